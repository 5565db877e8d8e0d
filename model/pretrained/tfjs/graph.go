package tfjs

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// model is the JSON of a graph model.
type model struct {
	Topology struct {
		Node []node `json:"node"`
	} `json:"modelTopology"`
	Manifest []struct {
		Weights []weight `json:"weights"`
	} `json:"weightsManifest"`
}

// node is one op of the graph.
type node struct {
	Name  string          `json:"name"`
	Op    string          `json:"op"`
	Input []string        `json:"input"`
	Attr  map[string]attr `json:"attr"`
}

// attr is one attribute; strings are base64, integers decimal strings.
type attr struct {
	S    string `json:"s"`
	B    bool   `json:"b"`
	List struct {
		I []integer `json:"i"`
		S []string  `json:"s"`
	} `json:"list"`
}

// integer is a whole number written as 1 or as "1".
type integer int

func (n *integer) UnmarshalJSON(b []byte) error {
	v, err := strconv.Atoi(strings.Trim(string(b), `"`))
	*n = integer(v)
	return err
}

// text decodes a base64 string attribute; "" when it is absent or no base64.
func (n *node) text(key string) string {
	b, err := base64.StdEncoding.DecodeString(n.Attr[key].S)
	if err != nil {
		return ""
	}
	return string(b)
}

// fused lists the names of the ops that follow in a fused node.
func (n *node) fused() []string {
	var names []string
	for _, s := range n.Attr["fused_ops"].List.S {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			b = []byte(s)
		}
		names = append(names, string(b))
	}
	return names
}

// pair reads the height and width of a list attribute over N, H, W, C; absent
// means 1, 1.
func (n *node) pair(key string) (h, w int) {
	l := n.Attr[key].List.I
	if len(l) != 4 {
		return 1, 1
	}
	return int(l[1]), int(l[2])
}

func parse(graph []byte) (*model, map[string]*node, error) {
	var m model
	if err := json.Unmarshal(graph, &m); err != nil {
		return nil, nil, fmt.Errorf("graph: %w", err)
	}
	nodes := make(map[string]*node, len(m.Topology.Node))
	for i := range m.Topology.Node {
		n := &m.Topology.Node[i]
		nodes[n.Name] = n
	}
	if len(nodes) == 0 {
		return nil, nil, fmt.Errorf("graph: no node")
	}
	return &m, nodes, nil
}
