#include "ersatz/emulator/recipe.hpp"

#include <sstream>

#include "emulator/toml_reader.hpp"
#include "ersatz/core/error.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

std::string place(const std::string& where, const toml::node& node) {
  return text(where, ", line ", static_cast<long>(node.source().begin.line), ": ");
}

SettingValue value_of(const toml::node& node, const std::string& where, std::string_view key) {
  if (const auto v = node.as_boolean()) return v->get();
  if (const auto v = node.as_integer()) return static_cast<double>(v->get());
  if (const auto v = node.as_floating_point()) return v->get();
  if (const auto v = node.as_string()) return v->get();
  if (const auto* a = node.as_array()) {
    std::vector<double> numbers;
    std::vector<std::string> texts;
    for (const auto& e : *a) {
      if (const auto n = e.value<double>(); n && !e.is_boolean())
        numbers.push_back(*n);
      else if (const auto t = e.as_string())
        texts.push_back(t->get());
      else
        throw UsageError(text(place(where, e), "'", key, "' must be a list of numbers or of texts"));
    }
    if (!numbers.empty() && !texts.empty())
      throw UsageError(text(place(where, node), "'", key, "' mixes numbers and texts"));
    if (!texts.empty()) return texts;
    return numbers;
  }
  throw UsageError(text(place(where, node), "'", key, "' must be a number, a text, true/false or a list"));
}

}  // namespace

Component component_of(const toml::node& node, const std::string& where, std::string_view key) {
  if (const auto v = node.as_string()) return {v->get(), {}};
  const toml::table* table = node.as_table();
  if (!table) throw UsageError(text(place(where, node), "'", key, "' must be a name or a table with a name"));
  Component c;
  for (const auto& [k, v] : *table) {
    if (k.str() == "name") {
      if (!v.is_string()) throw UsageError(text(place(where, v), "'name' must be a text"));
      c.name = v.as_string()->get();
    } else {
      c.settings.set(std::string(k.str()), value_of(v, where, k.str()));
    }
  }
  if (c.name.empty()) throw UsageError(text(place(where, node), "'", key, "' lacks a name"));
  return c;
}

namespace {

std::vector<Component> components_of(const toml::node& node, const std::string& where, std::string_view key) {
  std::vector<Component> list;
  if (const auto* a = node.as_array())
    for (const auto& e : *a) list.push_back(component_of(e, where, key));
  else
    list.push_back(component_of(node, where, key));
  return list;
}

bool read_channel_key(ChannelRecipe& channel, std::string_view key, const toml::node& node,
                      const std::string& where) {
  if (key == "transform")
    channel.transforms = components_of(node, where, key);
  else if (key == "basis")
    channel.basis = component_of(node, where, key);
  else if (key == "regressor")
    channel.regressor = component_of(node, where, key);
  else
    return false;
  return true;
}

const toml::table& table_of(const toml::node& node, const std::string& where, std::string_view key) {
  if (const auto* t = node.as_table()) return *t;
  throw UsageError(text(place(where, node), "'", key, "' must be a table"));
}

GroupRecipe group_of(const toml::table& table, const std::string& where, const std::string& name) {
  GroupRecipe group;
  for (const auto& [k, node] : table) {
    const std::string_view key = k.str();
    if (key == "decoder") {
      group.decoder = component_of(node, where, key);
    } else if (key == "outputs") {
      const SettingValue names = value_of(node, where, key);
      if (!std::holds_alternative<std::vector<std::string>>(names))
        throw UsageError(text(place(where, node), "'outputs' must be a list of names of outputs"));
      group.outputs = std::get<std::vector<std::string>>(names);
    } else {
      throw UsageError(
          text(place(where, node), "unknown key '", key, "' of a group; known: outputs, decoder"));
    }
  }
  if (group.outputs.empty() || group.decoder.name.empty())
    throw UsageError(text(place(where, table), "group '", name, "' lacks ",
                          group.outputs.empty() ? "the list 'outputs'" : "a 'decoder'"));
  return group;
}

/// No output may have two decoders.
void check_groups(const Recipe& recipe, const toml::table& groups, const std::string& where) {
  std::map<std::string, std::string> owner;
  for (const auto& [name, decoder] : recipe.decoders) owner[name] = "a decoder of its own";
  for (const auto& [name, group] : recipe.groups)
    for (const std::string& output : group.outputs) {
      const auto [at, fresh] = owner.emplace(output, text("the group '", name, "'"));
      if (!fresh)
        throw UsageError(text(place(where, *groups.get(name)), "output '", output, "' of group '", name,
                              "' already has ", at->second));
    }
}

toml::table to_table(const Component& c) {
  toml::table t;
  t.insert("name", c.name);
  for (const auto& [key, value] : c.settings.values()) {
    std::visit(
        [&t, k = key](const auto& v) {
          using V = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<V, std::vector<double>> ||
                        std::is_same_v<V, std::vector<std::string>>) {
            toml::array a;
            for (const auto& e : v) a.push_back(e);
            t.insert(k, a);
          } else {
            t.insert(k, v);
          }
        },
        value);
  }
  t.is_inline(true);
  return t;
}

void write_channel(toml::table& t, const ChannelRecipe& c) {
  toml::array transforms;
  for (const auto& x : c.transforms) transforms.push_back(to_table(x));
  t.insert("transform", transforms);
  t.insert("basis", to_table(c.basis));
  t.insert("regressor", to_table(c.regressor));
}

}  // namespace

const ChannelRecipe& Recipe::for_channel(const std::string& name) const {
  const auto it = channels.find(name);
  return it == channels.end() ? channel : it->second;
}

const Component& Recipe::decoder_for(const std::string& output) const {
  const auto it = decoders.find(output);
  return it == decoders.end() ? decoder : it->second;
}

Recipe recipe_from_toml(const std::string& source, const std::string& where) {
  const toml::table root = parse_toml(source, where);
  Recipe recipe;
  // The general entries first: those of single channels start from them.
  for (const auto& [k, node] : root) {
    const std::string_view key = k.str();
    if (read_channel_key(recipe.channel, key, node, where)) continue;
    if (key == "inputs") {
      recipe.inputs = components_of(node, where, key);
    } else if (key == "decoder") {
      recipe.decoder = component_of(node, where, key);
    } else if (key == "calibration") {
      recipe.calibration = component_of(node, where, key);
    } else if (key == "test_fraction") {
      const auto f = node.value<double>();
      if (!f || !(*f >= 0.0 && *f < 1.0))
        throw UsageError(text(place(where, node), "'test_fraction' must be a number from 0 to below 1"));
      recipe.test_fraction = *f;
    } else if (key != "output" && key != "group" && key != "channel") {
      throw UsageError(text(place(where, node), "unknown key '", key,
                            "'; known: inputs, decoder, transform, basis, regressor, calibration, "
                            "test_fraction, output, group, channel"));
    }
  }
  if (const auto* outputs = root.get("output"))
    for (const auto& [name, node] : table_of(*outputs, where, "output"))
      for (const auto& [key, value] : table_of(node, where, name.str())) {
        if (key.str() != "decoder")
          throw UsageError(
              text(place(where, value), "unknown key '", key.str(), "' of an output; known: decoder"));
        recipe.decoders[std::string(name.str())] = component_of(value, where, key.str());
      }
  if (const auto* groups = root.get("group")) {
    for (const auto& [name, node] : table_of(*groups, where, "group"))
      recipe.groups[std::string(name.str())] =
          group_of(table_of(node, where, name.str()), where, std::string(name.str()));
    check_groups(recipe, *groups->as_table(), where);
  }
  if (const auto* channels = root.get("channel"))
    for (const auto& [name, node] : table_of(*channels, where, "channel")) {
      ChannelRecipe channel = recipe.channel;
      for (const auto& [key, value] : table_of(node, where, name.str()))
        if (!read_channel_key(channel, key.str(), value, where))
          throw UsageError(text(place(where, value), "unknown key '", key.str(),
                                "' of a channel; known: transform, basis, regressor"));
      recipe.channels[std::string(name.str())] = channel;
    }
  return recipe;
}

Recipe read_recipe(const std::string& path) { return recipe_from_toml(read_whole_file(path), path); }

std::string to_toml(const Recipe& recipe) {
  toml::table root;
  if (!recipe.inputs.empty()) {
    toml::array inputs;
    for (const auto& c : recipe.inputs) inputs.push_back(to_table(c));
    root.insert("inputs", inputs);
  }
  root.insert("decoder", to_table(recipe.decoder));
  write_channel(root, recipe.channel);
  if (recipe.calibration.name != "none") root.insert("calibration", to_table(recipe.calibration));
  root.insert("test_fraction", recipe.test_fraction);
  if (!recipe.decoders.empty()) {
    toml::table outputs;
    for (const auto& [name, c] : recipe.decoders) {
      toml::table t;
      t.insert("decoder", to_table(c));
      outputs.insert(name, t);
    }
    root.insert("output", outputs);
  }
  if (!recipe.groups.empty()) {
    toml::table groups;
    for (const auto& [name, group] : recipe.groups) {
      toml::table t;
      toml::array outputs;
      for (const std::string& o : group.outputs) outputs.push_back(o);
      t.insert("outputs", outputs);
      t.insert("decoder", to_table(group.decoder));
      groups.insert(name, t);
    }
    root.insert("group", groups);
  }
  if (!recipe.channels.empty()) {
    toml::table channels;
    for (const auto& [name, c] : recipe.channels) {
      toml::table t;
      write_channel(t, c);
      channels.insert(name, t);
    }
    root.insert("channel", channels);
  }
  std::ostringstream s;
  s << root << "\n";
  return s.str();
}

}  // namespace ersatz
