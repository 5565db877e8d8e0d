// PTX text to a Module. Used by parseModule only; here so that the parts of the parser can be read apart.
#pragma once
#include <map>
#include <set>

#include "kernel.h"
#include "lexer.h"
#include "opcode.h"

namespace sim {

// Where the registers of a kernel lie in a warp's register file.
class RegisterFile {
public:
	explicit RegisterFile(Kernel& k) : kernel(k) {}
	Operand fresh(u8 width);                        // a new register
	Operand constant(u8 width, u64 bits);           // a register whose lanes all hold these bits; one for each value
	bool special(const string& name, Operand& o);   // %tid.x and its like
	void enterScope() { scopes.emplace_back(); }
	void leaveScope() { scopes.pop_back(); }
	size_t depth() const { return scopes.size(); }
	void name(const string& n, u8 width) { scopes.back()[n] = fresh(width); }
	const Operand* find(const string& n) const;     // the innermost register of that name

private:
	Kernel& kernel;
	vector<std::map<string, Operand>> scopes;
	std::map<std::pair<int, u64>, Operand> constants;
	std::map<string, Operand> specials;
	u32 predicateNext = 0, predicateEnd = 0;        // predicates share a line of 64 bytes
};

class Parser {
public:
	std::unique_ptr<Module> parse(const string& ptx);

private:
	struct Symbol { Space space; u64 address; };
	struct SharedVariable { string name; u64 bytes; u32 align; };
	struct Jump { size_t at; string label; };

	// cursor (parser.cc)
	[[noreturn]] void fail(const string& why) const;
	const string& now() const;
	string take();
	void expect(const char* word);
	bool accept(const char* word);
	void skipLine();
	u64 number(Type t = NONE);

	// module level (parser.cc)
	void directive(const string& word);
	void file();
	void entry();
	void parameters();
	void readBody();
	void resetKernel();
	void body();
	bool bodyDirective();
	void registers();
	void finishCode();

	// variables (parser_variable.cc)
	void variable(Space space, bool isExternal);
	vector<u8> initializer(int width);
	void place(Space space, const string& name, u64 bytes, u32 align, const vector<u8>& initial);

	// instructions (parser_instruction.cc)
	void instruction();
	void guard(Instruction& i);
	void types(Instruction& i, const Opcode& op);
	bool control(Instruction& i, const Opcode& op);
	void operands(Instruction& i, const Opcode& op);
	void operand(Instruction& i, const Opcode& op, int index);
	void address(Instruction& i);
	void braces(Instruction& i, const Opcode& op, Type t, int index);
	void value(Instruction& i, Type t);
	void put(Instruction& i, Operand o);
	void noteSharedWidth(const Instruction& i, const Opcode& op);
	string textBetween(size_t begin, size_t end) const;
	const Symbol* symbol(const string& name) const;

	vector<Token> tokens;
	size_t at = 0;
	std::unique_ptr<Module> module{new Module};
	Kernel* kernel = nullptr;
	std::unique_ptr<RegisterFile> file_;
	std::map<string, Symbol> kernelSymbols, moduleSymbols;
	std::map<string, u32> labels;
	vector<Jump> jumps;
	vector<string> dynamicShared;              // extern .shared arrays: all begin at the same place
	vector<SharedVariable> moduleShared;       // .shared outside kernels: every kernel has them
	u32 sourceFile = 0, sourceLine = 0;
	int addresses = 0;                         // of the instruction at hand
};

}  // namespace sim
