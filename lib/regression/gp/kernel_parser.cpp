#include "regression/gp/kernel_parser.hpp"

#include <cctype>
#include <charconv>

#include "ersatz/core/error.hpp"

namespace ersatz::gp {
namespace {

class Parser {
 public:
  explicit Parser(const std::string& expression) : text_(expression) {}

  Node all() {
    Node node = sum();
    if (skip() < text_.size()) fail(at_, text("expected + or * or the end, found ", here()));
    return node;
  }

 private:
  static constexpr int deepest = 100;

  [[noreturn]] void fail(std::size_t position, const std::string& what) const {
    fail_at(text_, position, what);
  }

  std::size_t skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_;
  }
  bool next_is(char c) { return skip() < text_.size() && text_[at_] == c; }
  bool take(char c) {
    const bool found = next_is(c);
    at_ += found;
    return found;
  }
  void expect(char c, const char* what) {
    if (!take(c)) fail(at_, text("expected ", what, ", found ", here()));
  }
  std::string here() const { return at_ < text_.size() ? text("'", text_[at_], "'") : "the end"; }

  static bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
  static bool in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  }
  static bool starts_number(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-';
  }

  std::string word(const char* what) {
    if (skip() >= text_.size() || !starts_word(text_[at_]))
      fail(at_, text("expected ", what, ", found ", here()));
    const std::size_t begin = at_;
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  double number() {
    double value = 0.0;
    const auto result = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (result.ec != std::errc{}) fail(at_, text("expected a number, found ", here()));
    at_ = static_cast<std::size_t>(result.ptr - text_.data());
    return value;
  }

  Node sum() {
    if (++depth_ > deepest) fail(at_, text("more than ", deepest, " parentheses inside each other"));
    Node node = chain(Node::Kind::sum, '+', &Parser::product);
    --depth_;
    return node;
  }
  Node product() { return chain(Node::Kind::product, '*', &Parser::factor); }

  Node chain(Node::Kind kind, char sign, Node (Parser::*part)()) {
    Node first = (this->*part)();
    if (!next_is(sign)) return first;
    Node node;
    node.kind = kind;
    node.position = first.position;
    node.children.push_back(std::move(first));
    while (take(sign)) node.children.push_back((this->*part)());
    return node;
  }

  Node factor() {
    Node node;
    node.position = skip();
    if (take('(')) {
      node = sum();
      expect(')', "+, * or )");
      return node;
    }
    if (at_ < text_.size() && starts_number(text_[at_])) {
      node.kind = Node::Kind::number;
      node.number = number();
      return node;
    }
    node.name = word("a kernel, a number or (");
    if (take('('))
      if (!take(')')) {
        do node.arguments.push_back(argument());
        while (take(','));
        expect(')', "a comma or )");
      }
    return node;
  }

  Argument argument() {
    Argument argument;
    argument.position = skip();
    argument.name = word("an argument");
    expect('=', "= and a value");
    if (!take('[')) {
      argument.values.push_back(item());
      return argument;
    }
    do argument.values.push_back(item());
    while (take(','));
    expect(']', "a comma or ]");
    return argument;
  }

  Item item() {
    Item item;
    item.position = skip();
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const char quote = text_[at_++];
      const std::size_t end = text_.find(quote, at_);
      if (end == std::string::npos) fail(item.position, text("the quote ", quote, " is never closed"));
      item.word = text_.substr(at_, end - at_);
      at_ = end + 1;
      return item;
    }
    item.is_number = at_ < text_.size() && starts_number(text_[at_]);
    if (item.is_number)
      item.number = number();
    else
      item.word = word("a number or a name");
    return item;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  int depth_ = 0;

  template <class... Args>
  static std::string text(const Args&... args) {
    return ersatz::text(args...);
  }
};

}  // namespace

void fail_at(const std::string& expression, std::size_t position, const std::string& what) {
  throw UsageError(text("kernel \"", expression, "\", position ", position + 1, ": ", what));
}

Node parse_kernel(const std::string& expression) { return Parser(expression).all(); }

}  // namespace ersatz::gp
