#include "lexer.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace sim {

static bool inWord(char c) { return isalnum((u8)c) || (c && strchr("_$%.", c)); }

// The end of the word that begins at i. A label's colon ends it, a double colon does not.
static size_t wordEnd(const string& s, size_t i) {
	while (i < s.size()) {
		if (inWord(s[i])) i++;
		else if (s.compare(i, 2, "::") == 0) i += 2;
		else break;
	}
	return i;
}

vector<Token> tokenize(const string& s) {
	vector<Token> tokens;
	u32 line = 1;
	for (size_t i = 0; i < s.size();) {
		size_t end = i + 1;
		if (s[i] == '\n') line++;
		else if (isspace((u8)s[i]) || !s[i]) ;
		else if (s.compare(i, 2, "//") == 0) end = std::min(s.find('\n', i), s.size());
		else if (s.compare(i, 2, "/*") == 0) {
			size_t close = s.find("*/", i + 2);
			end = close == string::npos ? s.size() : close + 2;
			line += std::count(s.begin() + i, s.begin() + end, '\n');
		} else if (s[i] == '"') {
			size_t close = s.find('"', i + 1);
			end = close == string::npos ? s.size() : close + 1;
			tokens.push_back({s.substr(i, end - i), line});
		} else {
			if (inWord(s[i])) end = wordEnd(s, i);
			tokens.push_back({s.substr(i, end - i), line});
		}
		i = end;
	}
	return tokens;
}

}  // namespace sim
