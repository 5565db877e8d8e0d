// Cursor and module level of the parser: directives, kernels, their parameters and bodies.
#include "parser.h"

#include <cstdlib>
#include <cstring>

namespace sim {

// ---- cursor

void Parser::fail(const string& why) const {
	string where = "PTX line " + std::to_string(at < tokens.size() ? tokens[at].line : tokens.empty() ? 0 : tokens.back().line);
	throw Fault{INVALID_PTX, where + (kernel ? ", kernel " + kernel->name : "") + ": " + why};
}
const string& Parser::now() const {
	static const string end;
	return at < tokens.size() ? tokens[at].text : end;
}
string Parser::take() {
	if (at >= tokens.size()) fail("unexpected end");
	return tokens[at++].text;
}
void Parser::expect(const char* word) {
	if (now() != word) fail("'" + now() + "' where '" + word + "' was expected");
	at++;
}
bool Parser::accept(const char* word) {
	if (now() != word) return false;
	at++;
	return true;
}
void Parser::skipLine() {
	for (u32 line = tokens[at].line; at < tokens.size() && tokens[at].line == line;) at++;
}

// A number in decimal, hexadecimal or octal; 0f3F800000 and 0d... are the bits of floats; 1.5 is for a float type.
u64 Parser::number(Type t) {
	bool minus = accept("-");
	string s = take();
	if (s.empty() || !isdigit((u8)s[0])) fail("'" + s + "' where a number was expected");
	u64 v;
	if (s.size() > 2 && s[0] == '0' && strchr("fFdD", s[1])) v = strtoull(s.c_str() + 2, nullptr, 16);
	else if (isFloat(t) && s.find('.') != string::npos) {
		double d = strtod(s.c_str(), nullptr);
		float f = (float)(minus ? -d : d);
		d = minus ? -d : d;
		minus = false;
		v = 0;
		if (t == F64) memcpy(&v, &d, 8);
		else memcpy(&v, &f, 4);
	} else v = strtoull(s.c_str(), nullptr, 0);
	return minus ? 0 - v : v;
}

// ---- module level

std::unique_ptr<Module> Parser::parse(const string& ptx) {
	tokens = tokenize(ptx);
	while (at < tokens.size()) directive(take());
	if (module->kernels.empty()) fail("no kernel");
	return std::move(module);
}

void Parser::directive(const string& word) {
	if (word == ".version") module->version = take();
	else if (word == ".target") {
		module->target = take();
		while (accept(",")) at++;
	} else if (word == ".address_size") {
		if (number() != 64) fail("only 64-bit addresses are supported");
	} else if (word == ".visible" || word == ".weak") ;
	else if (word == ".extern") {
		if (!accept(".shared")) fail("external '" + now() + "' is not supported");
		variable(SHARED, true);
	} else if (word == ".global" || word == ".const") variable(GLOBAL, false);
	else if (word == ".shared") variable(SHARED, false);
	else if (word == ".entry") entry();
	else if (word == ".file") file();
	else if (word == ".section") {
		while (take() != "{") ;
		while (take() != "}") ;
	} else if (word == ".func") fail("device function '" + now() + "' is not supported: make it __forceinline__");
	else fail("'" + word + "' is not supported");
}

void Parser::file() {
	u64 n = number();
	if (n > 255) fail("more than 255 source files");
	if (module->files.size() <= n) module->files.resize(n + 1);
	string quoted = take();
	if (quoted.size() >= 2) module->files[n] = quoted.substr(1, quoted.size() - 2);
	while (accept(",")) at++;
}

void Parser::entry() {
	std::unique_ptr<Kernel> own(new Kernel);
	kernel = own.get();
	kernel->name = take();
	kernelSymbols.clear();
	if (accept("(")) parameters();
	while (now() != "{" && now() != ";") {
		string word = take();
		if (word != ".maxntid" && word != ".reqntid") continue;
		u64 n = number();
		while (accept(",")) n *= number();
		kernel->maxThreads = (u32)std::min<u64>(n, 1024);
	}
	if (!accept(";")) {
		readBody();
		module->kernels[kernel->name] = std::move(own);
	}
	kernel = nullptr;
}

void Parser::parameters() {
	while (!accept(")")) {
		expect(".param");
		u64 align = 1, width = 0, count = 1;
		while (now()[0] == '.') {
			string word = take();
			if (word == ".align") align = number();
			else if (word == ".ptr") {   // .ptr .global .align 16: about what it points to
				if (now() == ".global" || now() == ".shared" || now() == ".const" || now() == ".local") at++;
				if (accept(".align")) number();
			} else if (Type t = typeNamed(word.substr(1))) width = widthOf(t);
		}
		string name = take();
		if (accept("[")) {
			count = number();
			expect("]");
		}
		if (!width || count > 4096) fail("parameter " + name + " has no known size");
		align = std::max(align, width);
		u32& bytes = kernel->parameterBytes;
		bytes = (bytes + align - 1) / align * align;
		kernelSymbols[name] = {PARAM, bytes};
		kernel->parameters.push_back({bytes, (u32)(width * count)});
		bytes += width * count;
		accept(",");
	}
}

// Dynamic shared memory begins after the static one, whose size is known only when the body has been read: it is read twice then.
void Parser::readBody() {
	size_t begin = at;
	resetKernel();
	body();
	if (dynamicShared.empty()) return;
	u32 base = (kernel->sharedBytes + 15) / 16 * 16;
	for (auto& n : dynamicShared) kernelSymbols[n] = {SHARED, base};
	at = begin;
	resetKernel();
	body();
}

void Parser::resetKernel() {
	Kernel& k = *kernel;
	k.code.clear();
	k.text.clear();
	k.constants.clear();
	k.specials.clear();
	k.registerBytes = k.sharedBytes = k.localBytes = 0;
	labels.clear();
	jumps.clear();
	file_ = std::make_unique<RegisterFile>(k);
	for (auto& v : moduleShared) place(SHARED, v.name, v.bytes, v.align, {});
}

void Parser::body() {
	expect("{");
	file_->enterScope();
	while (file_->depth()) {
		if (at >= tokens.size()) fail("the body of the kernel has no end");
		const string word = now();
		if (accept("{")) file_->enterScope();
		else if (accept("}")) file_->leaveScope();
		else if (word[0] == '.') {
			if (!bodyDirective()) fail("directive '" + word + "' is not supported");
		} else if (at + 1 < tokens.size() && tokens[at + 1].text == ":") {
			labels[word] = kernel->code.size();
			at += 2;
		} else if (!accept(";")) instruction();
	}
	finishCode();
}

bool Parser::bodyDirective() {
	if (accept(".reg")) registers();
	else if (accept(".shared")) variable(SHARED, false);
	else if (accept(".local")) variable(LOCAL, false);
	else if (now() == ".loc") {
		if (at + 2 < tokens.size()) {
			sourceFile = strtoul(tokens[at + 1].text.c_str(), nullptr, 10);
			sourceLine = strtoul(tokens[at + 2].text.c_str(), nullptr, 10);
		}
		skipLine();
	} else if (accept(".pragma")) while (take() != ";") ;
	else return false;
	return true;
}

// .reg .f32 %f<10>, a, b;
void Parser::registers() {
	Type t = NONE;
	while (now()[0] == '.') t = typeNamed(take().substr(1));
	if (!t) fail("unknown type of a register");
	u8 width = widthOf(t);
	do {
		string name = take();
		if (accept("<")) {
			u64 n = number();
			if (n > 100000) fail("more than 100000 registers");
			expect(">");
			for (u64 j = 0; j < n; j++) file_->name(name + std::to_string(j), width);
		} else file_->name(name, width);
	} while (accept(","));
	expect(";");
}

void Parser::finishCode() {
	Instruction end;
	end.kind = EXIT;
	end.text = kernel->text.size();
	kernel->text.push_back("(end)");
	kernel->code.push_back(end);
	for (auto& j : jumps) {
		auto found = labels.find(j.label);
		if (found == labels.end()) fail("no label " + j.label);
		kernel->code[j.at].target = found->second;
	}
}

std::unique_ptr<Module> parseModule(const string& ptx) { return Parser().parse(ptx); }

Module::~Module() {
	for (auto& g : globals) memory.release(g.second.first);
}

}  // namespace sim
