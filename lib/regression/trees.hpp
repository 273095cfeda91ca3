#pragma once
// Binary trees that ask of one input after the other whether it lies below a threshold. Not installed.

#include <cstdint>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// A node that asks has its left child (input < value) next to it and names the right one; a leaf has input
/// -1 and the tree's answer as value.
struct TreeNode {
  double value;
  std::int32_t input, right;
};

/// Trees one after the other, each from its root on; children stand behind their parents.
struct Trees {
  std::vector<TreeNode> nodes;
  std::vector<std::int32_t> roots;

  Index size() const { return static_cast<Index>(roots.size()); }
  /// The leaf of `tree` where x lies. Cost: the depth.
  const TreeNode& leaf(Index tree, const double* x) const {
    const TreeNode* node = nodes.data() + roots[static_cast<std::size_t>(tree)];
    while (node->input >= 0) node = x[node->input] < node->value ? node + 1 : nodes.data() + node->right;
    return *node;
  }

  /// `nodes` (a row of input, value, right each) and `roots`.
  void save(const h5::Group& group) const;
  /// Throws StorageError where the nodes make no trees over `inputs` inputs.
  static Trees load(const h5::Group& group, Index inputs);
};

}  // namespace ersatz
