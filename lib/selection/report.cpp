// The report as one HTML file that is also well-formed XML.

#include "ersatz/selection/report.hpp"

#include "selection/report_html.hpp"
#include "selection/report_sections.hpp"
#include "selection/report_text.hpp"

namespace ersatz {
namespace {

constexpr std::size_t kPictures = 640'000;  ///< bytes, so that the file stays below a megabyte

/// "2026-03-14 15:09 UTC" from ISO 8601; other texts stay as they are.
std::string readable_time(const std::string& created) {
  const std::string shape = "0000-00-00T00:00:00Z";
  bool iso = created.size() == shape.size();
  for (std::size_t i = 0; iso && i < shape.size(); ++i)
    iso = shape[i] == '0' ? created[i] >= '0' && created[i] <= '9' : created[i] == shape[i];
  return iso ? created.substr(0, 10) + " " + created.substr(11, 5) + " UTC" : created;
}

std::string subtitle(const ReportData& d) {
  std::string s;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) s += (s.empty() ? "" : " · ") + part;
  };
  if (!d.model_file.empty()) add("<code>" + report::escape(d.model_file) + "</code>");
  if (!d.created.empty())
    add("made <time datetime=\"" + report::escape(d.created) + "\">" +
        report::escape(readable_time(d.created)) + "</time>");
  if (!d.version.empty()) add("Ersatz " + report::escape(d.version));
  return s;
}

}  // namespace

std::string render_html(const ReportData& data) {
  const std::string title = report::escape(data.title.empty() ? "Emulator" : data.title);
  struct Part {
    const char* id;
    const char* name;
    std::string html;
  };
  const Part parts[] = {
      {"scores", "Scores", report::scores_section(data)},
      {"outputs", data.validation.diagnostics.size() == 1 ? "Output" : "Outputs",
       report::outputs_section(data, kPictures)},
      {"baselines", "Baselines", report::baselines_section(data)},
      {"cost", "Cost", report::cost_section(data)},
      {"training", "What was trained on what", report::training_section(data)},
  };
  std::string s =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>" +
      title + " · emulator report</title>\n<style>" + report::kStyle +
      "</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">Emulator report</p>\n<h1>" + title +
      "</h1>\n<p class=\"sub\">" + subtitle(data) + "</p>\n" + report::verdict_section(data) +
      report::warnings_section(data) + "<nav aria-label=\"Parts of this report\"><ul>\n";
  for (const Part& part : parts)
    if (!part.html.empty()) s += std::string("<li><a href=\"#") + part.id + "\">" + part.name + "</a></li>\n";
  s += "</ul></nav>\n</header>\n<main>\n";
  for (const Part& part : parts)
    if (!part.html.empty())
      s += std::string("<section aria-labelledby=\"") + part.id + "\">\n<h2 id=\"" + part.id + "\">" +
           part.name + "</h2>\n" + part.html + "</section>\n";
  s += "</main>\n<footer><p>" + report::escape(report::rules()) + "</p></footer>\n</body>\n</html>\n";
  return s;
}

}  // namespace ersatz
