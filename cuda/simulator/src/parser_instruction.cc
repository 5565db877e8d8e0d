// Instructions and their operands.
#include <cctype>
#include <cstring>

#include "parser.h"

namespace sim {

const Parser::Symbol* Parser::symbol(const string& name) const {
	for (auto table : {&kernelSymbols, &moduleSymbols}) {
		auto found = table->find(name);
		if (found != table->end()) return &found->second;
	}
	return nullptr;
}

void Parser::put(Instruction& i, Operand o) {
	if (i.operands == MAX_OPERANDS) fail("too many operands");
	i.operand[i.operands++] = o;
}

// A register, a number or the address of a variable.
void Parser::value(Instruction& i, Type t) {
	const string word = now();
	u8 width = widthOf(t);
	Operand o;
	if (accept("_")) put(i, file_->fresh(width));   // a result that nobody wants
	else if (const Operand* r = file_->find(word)) {
		at++;
		put(i, *r);
	} else if (file_->special(word, o)) {
		at++;
		put(i, o);
	} else if (word == "-" || isdigit((u8)word[0])) put(i, file_->constant(width, number(t)));
	else if (const Symbol* s = symbol(word)) {
		at++;
		u64 address = s->address;
		if (accept("+")) address += number();
		put(i, file_->constant(width, address));
	} else fail("unknown operand '" + word + "'");
}

// [register+4], [variable], [0]
void Parser::address(Instruction& i) {
	const string word = now();
	if (const Operand* r = file_->find(word)) {
		at++;
		put(i, *r);
	} else if (const Symbol* s = symbol(word)) {
		at++;
		if (i.space == GENERIC && s->space != GLOBAL) i.space = s->space;
		put(i, file_->constant(8, s->address));
	} else put(i, file_->constant(8, number()));
	if (accept("+")) (addresses ? i.offset2 : i.offset) = (i64)number();
	addresses++;
	expect("]");
}

// {a, b, c, d}: elements of a vector
void Parser::braces(Instruction& i, const Opcode& op, Type t, int index) {
	int n = 0;
	do {
		value(i, t);
		n++;
	} while (accept(","));
	expect("}");
	if (op.name == "mov" || op.name == "ld" || op.name == "st" || op.name == "ldmatrix") i.vector = n;
	if (op.name == "mov") i.option = index == 1;   // packs
}

// The type of an immediate operand at this place; registers bring their own width.
static Type operandType(const Instruction& i, const Opcode& op, int index) {
	const string& n = op.name;
	if (index >= 2 && (n == "shl" || n == "shr" || n == "shfl" || n == "bfe")) return U32;
	if (index >= 3 && (n == "bfi" || n == "shf")) return U32;
	if (index == 3 && (n == "selp" || n == "setp")) return PRED;
	if (index == 3 && n == "slct") return i.from;
	if (op.has("wide") && (index == 0 || index == 3)) return i.type == S32 ? S64 : i.type == U32 ? U64 : i.type == S16 ? S32 : U32;
	if (n == "cvt" && index) return i.from;
	if (n == "set" && index) return i.from;
	static const std::set<string> ofWords = {"bar", "barrier", "vote", "lop3", "prmt", "cp", "nanosleep", "redux", "match", "activemask"};
	return ofWords.count(n) ? U32 : i.type;
}

void Parser::operand(Instruction& i, const Opcode& op, int index) {
	Type t = operandType(i, op, index);
	if (accept("[")) return address(i);
	if (accept("{")) return braces(i, op, t, index);
	if (accept("!")) i.negated = true;
	value(i, t);
	if (accept("|")) {
		value(i, PRED);
		i.second = true;
	}
}

void Parser::guard(Instruction& i) {
	if (!accept("@")) return;
	i.guardNegated = accept("!");
	const Operand* p = file_->find(take());
	if (!p || p->width) fail("the guard is no predicate");
	i.guard = p->at;
}

void Parser::types(Instruction& i, const Opcode& op) {
	for (auto& s : op.suffixes) {
		if (Type t = typeNamed(s)) (i.type ? i.from ? i.from : i.from = t : i.type = t);
		else if (s == "ftz") i.flush = true;
		else if (s == "sat") i.saturate = true;
		else if (s == "global" || s == "const") i.space = GLOBAL;
		else if (s == "shared" || s == "shared::cta") i.space = SHARED;
		else if (s == "local") i.space = LOCAL;
		else if (s == "param" || s == "param::entry") i.space = PARAM;
	}
}

// Branches, exits and barriers: the scheduler does them.
bool Parser::control(Instruction& i, const Opcode& op) {
	if (op.name == "bra") {
		i.kind = BRANCH;
		jumps.push_back({kernel->code.size(), take()});
	} else if (op.name == "ret" || op.name == "exit") i.kind = EXIT;
	else if (op.name == "call" || op.name == "brx") fail("'" + op.name + "' is not supported: make the device function __forceinline__");
	else if ((op.name == "bar" || op.name == "barrier") && !op.has("warp")) {
		if (!op.has("sync")) fail("barriers other than sync are not supported");
		i.kind = BARRIER;
		operands(i, op);
		if (i.operands > 1) fail("barriers with a thread count are not supported");
	} else return false;
	return true;
}

void Parser::operands(Instruction& i, const Opcode& op) {
	addresses = 0;
	int index = 0;
	if (now() != ";") do operand(i, op, index++);
	while (accept(","));
}

void Parser::instruction() {
	Instruction i;
	i.sourceFile = sourceFile;
	i.sourceLine = sourceLine;
	i.ptxLine = tokens[at].line;
	size_t begin = at;
	guard(i);
	const string word = take();
	Opcode op(word);
	types(i, op);
	if (!control(i, op)) {
		operands(i, op);
		if (!choose(i, op)) {
			at = begin;
			fail("'" + word + "' with " + std::to_string(i.operands) + " operands is not supported");
		}
	}
	i.text = kernel->text.size();
	kernel->text.push_back(textBetween(begin, at));
	expect(";");
	noteSharedWidth(i, op);
	kernel->code.push_back(i);
}

// The shadow of shared memory has cells as wide as the narrowest access.
void Parser::noteSharedWidth(const Instruction& i, const Opcode& op) {
	u32 bytes = 16;
	if (op.name == "cp") bytes = 4;
	else if ((i.space == SHARED || i.space == GENERIC) && i.size && (op.name == "ld" || op.name == "st" || op.name == "atom" || op.name == "red"))
		bytes = i.size * i.vector;
	kernel->shadowShift = std::min<u32>(kernel->shadowShift, __builtin_ctz(bytes));
}

string Parser::textBetween(size_t begin, size_t end) const {
	string s;
	for (size_t j = begin; j < end; j++) {
		bool apart = j > begin && (isalnum((u8)tokens[j].text[0]) || tokens[j].text[0] == '%' || tokens[j].text[0] == '[' || tokens[j].text[0] == '{') &&
		             !strchr("@!+-[{", tokens[j - 1].text.back());
		s += (apart ? " " : "") + tokens[j].text;
	}
	return s;
}

}  // namespace sim
