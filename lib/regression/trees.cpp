#include "regression/trees.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

void Trees::save(const h5::Group& group) const {
  Matrix table(static_cast<Index>(nodes.size()), 3);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    table.row(static_cast<Index>(i)) << nodes[i].input, nodes[i].value, nodes[i].right;
  group.write("nodes", table);
  group.write("roots", std::vector<std::int64_t>(roots.begin(), roots.end()));
}

Trees Trees::load(const h5::Group& group, Index inputs) {
  const Matrix table = group.read_matrix("nodes", -1, 3);
  const Index count = table.rows();
  const auto whole = [](double value, Index from, Index end) {
    return value >= static_cast<double>(from) && value < static_cast<double>(end) &&
           value == std::floor(value);
  };
  Trees trees;
  trees.nodes.reserve(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i) {
    const double input = table(i, 0), value = table(i, 1), right = table(i, 2);
    const bool leaf = input == -1.0;
    if (!std::isfinite(value) || !(leaf || (whole(input, 0, inputs) && whole(right, i + 2, count))))
      throw StorageError(text(group.where(), "/nodes: row ", i, " (", input, ", ", value, ", ", right,
                              ") is no node of a tree over ", inputs, " inputs"));
    trees.nodes.push_back(
        {value, static_cast<std::int32_t>(input), leaf ? 0 : static_cast<std::int32_t>(right)});
  }
  for (const std::int64_t root : group.read_integers("roots")) {
    if (root < 0 || root >= count)
      throw StorageError(text(group.where(), "/roots: ", root, " is none of ", count, " nodes"));
    trees.roots.push_back(static_cast<std::int32_t>(root));
  }
  if (trees.roots.empty()) throw StorageError(text(group.where(), "/roots: there is no tree"));
  return trees;
}

}  // namespace ersatz
