# What OpenCV's DIS (preset 0, which vision uses on the CPU) makes of the pairs of flow_test.go: the figures in its table.
# python cuda/flow/testdata/dis.py; needs numpy and opencv-python.
import numpy as np, cv2, math
def texture():
    s=1; t=[]
    def r():
        nonlocal s
        s=(s*1664525+1013904223)&0xffffffff; return (s>>8)/(1<<24)
    for i in range(24):
        length=6+40*r()*r(); a=2*math.pi*r()
        t.append((2*math.pi/length*math.cos(a),2*math.pi/length*math.sin(a),2*math.pi*r(),8+8*r()))
    return t
T=texture(); H,W=66,116
def at(x,y):
    v=128.0
    for w in T: v=v+w[3]/2*np.sin(w[0]*x+w[1]*y+w[2])
    return np.clip(v,0,255)
y,x=np.mgrid[0:H,0:W].astype(float)
for name,ang,zoom,dx,dy,off in [("nothing",0,1,0,0,0),("quarter",0,1,.25,-.25,0),("some",0,1,3.3,-2.6,0),("far",0,1,7.5,-5,0),("turned",.06,1,0,0,0),("nearer",0,1.06,1,0,0),("darker",0,1,2,1,-20)]:
    c,s=math.cos(ang),math.sin(ang)
    X,Y=x-W//2,y-H//2
    tx=zoom*(c*X-s*Y)+dx-X; ty=zoom*(s*X+c*Y)+dy-Y
    bx,by=(x-W//2-dx)/zoom,(y-H//2-dy)/zoom
    Bx,By=c*bx+s*by+W//2,-s*bx+c*by+H//2
    a=at(x,y); b=np.clip(at(Bx,By)+off,0,255)
    ok=(x+tx>=0)&(y+ty>=0)&(x+tx<=W-1)&(y+ty<=H-1)
    out=[]
    for p in (0,1,2):
        f=cv2.DISOpticalFlow_create(p).calc((a+.5).astype(np.uint8),(b+.5).astype(np.uint8),None)
        out.append(np.hypot(f[...,0]-tx,f[...,1]-ty)[ok].mean())
    print(name,["%.4f"%v for v in out])
