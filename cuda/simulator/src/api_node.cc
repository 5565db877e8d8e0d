// The driver API: graphs built node by node.
#define CLASSLENS_CUDA_TYPES_ONLY
#include "../../include/cuda.h"
#include "context.h"

using namespace sim;

static Graph* graphOf(Context& c, CUgraph handle) {
	Graph* g = (Graph*)handle;
	if (!c.graphs.count(g)) throw Fault{INVALID_HANDLE, "no such graph"};
	return g;
}
static int addNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, Action run) {
	return inContext([&](Context& c) {
		vector<GraphNode*> edges;
		for (size_t j = 0; j < count; j++) edges.push_back((GraphNode*)after[j]);
		*node = (CUgraphNode)graphOf(c, graph)->add(std::move(run), edges);
	});
}

API cuGraphAddEmptyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count) {
	return addNode(node, graph, after, count, [] {});
}
API cuGraphAddHostNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, const CUDA_HOST_NODE_PARAMS* what) {
	auto fn = what->fn;
	void* data = what->userData;
	return addNode(node, graph, after, count, [=] { fn(data); });
}
API cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, const CUDA_MEMSET_NODE_PARAMS* what, CUcontext) {
	CUDA_MEMSET_NODE_PARAMS p = *what;
	return addNode(node, graph, after, count, [p] {
		for (size_t y = 0; y < p.height; y++) {
			u8* row = memory.at(p.dst + y * p.pitch, p.width * p.elementSize);
			for (size_t x = 0; x < p.width; x++) memcpy(row + x * p.elementSize, &p.value, p.elementSize);
		}
	});
}

static u8* rowOf(CUmemorytype type, const void* host, CUdeviceptr device, size_t at, size_t bytes) {
	if (type == CU_MEMORYTYPE_HOST) return (u8*)host + at;
	if (type == CU_MEMORYTYPE_DEVICE) return memory.at(device + at, bytes);
	throw Fault{NOT_SUPPORTED, "copies of arrays"};
}
API cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, const CUDA_MEMCPY3D* what, CUcontext) {
	CUDA_MEMCPY3D p = *what;
	return addNode(node, graph, after, count, [p] {
		for (size_t z = 0; z < p.Depth; z++)
			for (size_t y = 0; y < p.Height; y++) {
				size_t from = ((z + p.srcZ) * p.srcHeight + y + p.srcY) * p.srcPitch + p.srcXInBytes;
				size_t to = ((z + p.dstZ) * p.dstHeight + y + p.dstY) * p.dstPitch + p.dstXInBytes;
				memcpy(rowOf(p.dstMemoryType, p.dstHost, p.dstDevice, to, p.WidthInBytes), rowOf(p.srcMemoryType, p.srcHost, p.srcDevice, from, p.WidthInBytes), p.WidthInBytes);
			}
	});
}
// Only kernels without parameters: cu passes none.
API cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, const CUDA_KERNEL_NODE_PARAMS* what) {
	CUDA_KERNEL_NODE_PARAMS p = *what;
	return inContext([&](Context& c) {
		Kernel* k = (Kernel*)p.func;
		auto found = c.kernels.find(k);
		if (found == c.kernels.end()) throw Fault{INVALID_HANDLE, "no such kernel"};
		if (!k->parameters.empty() && !p.kernelParams) throw Fault{INVALID_VALUE, "the kernel has parameters"};
		auto values = std::make_shared<vector<u8>>(k->parameterBytes + 8);
		for (size_t j = 0; j < k->parameters.size(); j++) memcpy(values->data() + k->parameters[j].offset, p.kernelParams[j], k->parameters[j].bytes);
		Module* m = found->second;
		Dim grid{p.gridDimX, p.gridDimY, p.gridDimZ}, block{p.blockDimX, p.blockDimY, p.blockDimZ};
		vector<GraphNode*> edges((GraphNode**)after, (GraphNode**)after + count);
		*node = (CUgraphNode)graphOf(c, graph)->add([=, &c] { runLaunch(*m, *k, grid, block, p.sharedMemBytes, values->data(), &c); }, edges);
	});
}
API cuGraphAddChildGraphNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, CUgraph child) {
	std::shared_ptr<Graph> copy;
	int failed = inContext([&](Context& c) { copy = graphOf(c, child)->clone(); });
	return failed ? failed : addNode(node, graph, after, count, [copy] { copy->run(); });
}
API cuGraphAddDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
	return inContext([&](Context& c) {
		graphOf(c, graph);
		for (size_t j = 0; j < count; j++) ((GraphNode*)to[j])->after.push_back((GraphNode*)from[j]);
	});
}
API cuGraphGetEdges(CUgraph graph, CUgraphNode* from, CUgraphNode* to, size_t* count) {
	return inContext([&](Context& c) {
		size_t n = 0;
		for (auto& node : graphOf(c, graph)->nodes)
			for (auto a : node->after) {
				if (from && to && n < *count) {
					from[n] = (CUgraphNode)a;
					to[n] = (CUgraphNode)node.get();
				}
				n++;
			}
		*count = n;
	});
}
API cuGraphDestroyNode(CUgraphNode node) {
	return inContext([&](Context&) {
		GraphNode* n = (GraphNode*)node;
		n->graph->removeNode(n);
	});
}
