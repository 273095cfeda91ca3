#include "selection/report_html.hpp"

#include "selection/report_text.hpp"

namespace ersatz::report {

std::string to_html(const Table& table) {
  // Roles are spelt out because on a phone rows become blocks, and blocks lose their meaning in some
  // browsers.
  const std::string kind = table.compact ? " class=\"compact\"" : "";
  std::string s = "<div class=\"scroll\"><table role=\"table\"" + kind + "><caption>" +
                  escape(table.caption) + "</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">";
  for (const Table::Column& column : table.columns) {
    s += std::string("<th role=\"columnheader\" scope=\"col\"") + (column.numeric ? " class=\"n\"" : "");
    if (!column.hint.empty()) s += " title=\"" + escape(column.hint) + "\"";
    s += ">" + escape(column.title) + "</th>";
  }
  s += "</tr></thead>\n<tbody role=\"rowgroup\">\n";
  for (const Table::Row& row : table.rows) {
    s += row.highlight ? "<tr role=\"row\" class=\"chosen\">" : "<tr role=\"row\">";
    for (std::size_t i = 0; i < row.cells.size() && i < table.columns.size(); ++i) {
      const Table::Column& column = table.columns[i];
      if (i == 0)
        s += "<th role=\"rowheader\" scope=\"row\">" + row.cells[i] + "</th>";
      else
        s += std::string("<td role=\"cell\"") + (column.numeric ? " class=\"n\"" : "") + " data-label=\"" +
             escape(column.title) + "\"><span>" + row.cells[i] + "</span></td>";
    }
    s += "</tr>\n";
  }
  return s + "</tbody></table></div>\n";
}

std::string definition_list(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string s = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : facts)
    if (!value.empty()) s += "<div><dt>" + escape(name) + "</dt><dd>" + value + "</dd></div>\n";
  return s + "</dl>\n";
}

std::string figure(const std::string& title, const std::string& caption, const std::string& svg) {
  return "<figure><figcaption><strong>" + escape(title) + "</strong><span>" + escape(caption) +
         "</span></figcaption>\n" + svg + "</figure>\n";
}

std::string name_of(Level level) {
  switch (level) {
    case Level::good:
      return "good";
    case Level::care:
      return "care";
    case Level::poor:
      return "poor";
    case Level::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string mark(Level level) {
  const char* sign = level == Level::good   ? "✓"
                     : level == Level::care ? "!"
                     : level == Level::poor ? "✕"
                                            : "–";
  return "<span class=\"mark " + name_of(level) + "\" role=\"img\" aria-label=\"" + name_of(level) + "\">" +
         sign + "</span>";
}

const char* const kStyle = R"css(
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#16191d;--muted:#565e69;--rule:#d9dde3;--grid:#e7eaee;
--blue:#0072b2;--vermillion:#c44e00;--green:#00785a;--orange:#d98c00;--purple:#b0568a;--grey:#9aa1ab;
--good:#00694f;--good-bg:#e2f4ee;--care:#8a5a00;--care-bg:#fff2d6;--poor:#b03a00;--poor-bg:#fde8dd;
--unknown:#565e69;--unknown-bg:#eceef1}
@media screen and (prefers-color-scheme:dark){:root{--bg:#101317;--card:#191d23;--ink:#e9ecf0;--muted:#a3acb8;
--rule:#323944;--grid:#272d36;--blue:#56b4e9;--vermillion:#f0803c;--green:#2fc79b;--orange:#e69f00;--purple:#dd95bd;
--grey:#79828e;--good:#5fd9b3;--good-bg:#12322a;--care:#f3bd4e;--care-bg:#362a0f;--poor:#ff9a66;--poor-bg:#3b1f12;
--unknown:#a3acb8;--unknown-bg:#252b33}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue","Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums}
main,body>header,body>footer{max-width:1160px;margin:0 auto;padding:0 24px}
h1{font-size:2rem;line-height:1.15;margin:.1em 0 .2em;overflow-wrap:anywhere}
h2{font-size:1.35rem;margin:2.4em 0 .7em;padding-bottom:.3em;border-bottom:2px solid var(--rule)}
h3{font-size:1.1rem;margin:1.6em 0 .5em;overflow-wrap:anywhere}
p{margin:.5em 0;max-width:46em}
a{color:var(--blue)}
.eyebrow{margin:28px 0 0;color:var(--muted);font-size:.8rem;letter-spacing:.06em;text-transform:uppercase}
.sub,.muted,.hint{color:var(--muted)}
.sub{font-size:.9rem;margin:0 0 1.2em;overflow-wrap:anywhere}
.hint{font-size:.9rem}
.verdict{background:var(--card);border:1px solid var(--rule);border-left:8px solid var(--level);border-radius:10px;
padding:20px 24px}
.verdict.good{--level:var(--good)}.verdict.care{--level:var(--care)}.verdict.poor{--level:var(--poor)}
.verdict.unknown{--level:var(--unknown)}
.verdict h2{margin:0;padding:0;border:0;font-size:1.5rem;line-height:1.25;color:var(--level);text-wrap:balance}
.verdict>p{font-size:1.08rem;max-width:60em;margin:.5em 0 0}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin:14px 0 0;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:14px 16px}
.tiles b{display:block;font-size:1.55rem;line-height:1.2;margin:.1em 0 .2em}
.tiles .label{font-size:.88rem;color:var(--muted);display:flex;align-items:center;gap:.5em}
.tiles .detail{font-size:.88rem;color:var(--muted);line-height:1.4;overflow-wrap:anywhere}
.mark{display:inline-flex;align-items:center;justify-content:center;width:1.35em;height:1.35em;border-radius:50%;
font-weight:700;font-size:.85em;flex:none;color:var(--level);background:var(--level-bg)}
.mark.good{--level:var(--good);--level-bg:var(--good-bg)}.mark.care{--level:var(--care);--level-bg:var(--care-bg)}
.mark.poor{--level:var(--poor);--level-bg:var(--poor-bg)}
.mark.unknown{--level:var(--unknown);--level-bg:var(--unknown-bg)}
td .mark{margin-right:.45em}
.warnings{background:var(--care-bg);border-radius:10px;padding:12px 20px;margin:14px 0 0;overflow-wrap:anywhere}
.warnings h2{font-size:1rem;margin:0;padding:0;border:0;color:var(--care)}
.warnings ul{margin:.4em 0;padding-left:1.2em}
nav ul{display:flex;flex-wrap:wrap;gap:6px 20px;list-style:none;padding:0;margin:18px 0 0;font-size:.95rem}
nav a{display:inline-block;padding:4px 0}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:6px 20px 16px;margin:14px 0}
details.card{padding:0 20px}
details.card>summary{margin:0 -20px;padding:12px 20px}
details.card[open]{padding-bottom:16px}
summary{cursor:pointer;border-radius:10px}
summary:focus-visible,a:focus-visible,.scroll:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
summary .name{font-weight:700;margin-right:.8em;overflow-wrap:anywhere}
summary .figures{color:var(--muted);font-size:.92rem}
.halves,.thirds{display:grid;gap:8px 28px}
.halves{grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}
.thirds{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
.halves>figure:only-child{max-width:620px}.thirds>figure:only-child{max-width:440px}
figure{margin:14px 0 6px;min-width:0;display:flex;flex-direction:column;break-inside:avoid}
figcaption{margin-bottom:8px;flex:1}
figcaption strong{display:block}
figcaption span{display:block;color:var(--muted);font-size:.88rem;line-height:1.4;overflow-wrap:anywhere}
.scroll{overflow-x:auto}.halves+.scroll{margin-top:14px}.chart+.chart{margin-top:10px}
table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{text-align:left;padding:7px 10px;border-bottom:1px solid var(--rule);vertical-align:baseline}
thead th{color:var(--muted);font-weight:600;font-size:.84rem;line-height:1.25;vertical-align:bottom}
thead th[title]{text-decoration:underline dotted var(--grey);text-underline-offset:3px;cursor:help}
tbody th .mark{margin-right:.3em}tbody th{font-weight:600;overflow-wrap:anywhere;min-width:9em}th .muted{font-weight:400}
table.compact{width:auto;min-width:50%}.compact th,.compact td{padding-right:32px}
tbody tr:last-child>*{border-bottom:0}
.n{text-align:right}td.n{white-space:nowrap}
tr.chosen>*{background:var(--good-bg)}
.tag{display:inline-block;font-size:.78rem;font-weight:600;border-radius:4px;padding:0 6px;color:var(--good);
border:1px solid currentColor;margin-left:.5em}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 28px;margin:.4em 0}
.facts div{display:flex;gap:12px;padding:6px 0;border-bottom:1px solid var(--rule)}
dt{color:var(--muted);flex:0 0 9.5em}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
.glossary{margin:.4em 0}.glossary div{padding:4px 0}.glossary dt{color:var(--ink);font-weight:600}
.glossary dd{color:var(--muted)}
code,pre{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86rem}
code{overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.5em 0;padding:12px 14px;background:var(--bg);border-radius:8px}
footer{color:var(--muted);font-size:.86rem;margin-top:40px!important;padding-bottom:40px!important}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart.small{max-width:440px}
.chart text{font-size:12px;fill:var(--ink)}.chart.small text{font-size:13px}
.chart .axis{fill:var(--muted)}.chart .muted{fill:var(--muted)}.chart .strong{font-weight:700}
.halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.grid{stroke:var(--grid);stroke-width:1}.tick{stroke:var(--grey);stroke-width:1}
.l{fill:none;stroke:var(--c);stroke-linejoin:round}.f{fill:var(--c)}.b{fill:var(--c);fill-opacity:.26}
.ink{--c:var(--ink)}.grey{--c:var(--grey)}.blue{--c:var(--blue)}.vermillion{--c:var(--vermillion)}
.green{--c:var(--green)}.orange{--c:var(--orange)}.purple{--c:var(--purple)}
@media (max-width:900px){.tiles{grid-template-columns:repeat(2,1fr)}}
@media (max-width:640px){
main,body>header,body>footer{padding:0 12px}
h1{font-size:1.6rem}.verdict{padding:16px}.verdict h2{font-size:1.25rem}.verdict>p{font-size:1rem}
.tiles{gap:10px}.tiles li{padding:12px}.tiles b{font-size:1.3rem;overflow-wrap:anywhere}
.card,details.card{padding-left:12px;padding-right:12px}
details.card>summary{margin:0 -12px;padding:12px}
summary .figures{display:block}
.chart.wide text{font-size:15.5px}
table:not(.compact),:not(.compact)>tbody,:not(.compact)>*>tr{display:block}
:not(.compact)>thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
:not(.compact)>tbody>tr{border-bottom:1px solid var(--rule);padding:8px 0 10px}
:not(.compact)>tbody>tr:last-child{border:0}
:not(.compact)>tbody>tr.chosen{padding:8px 10px 10px;border-radius:8px;background:var(--good-bg)}
:not(.compact)>tbody>tr>*{border:0}
:not(.compact)>tbody>tr>th{display:block;padding:0 0 2px}
:not(.compact)>tbody>tr>td{display:flex;justify-content:space-between;gap:16px;padding:2px 0;white-space:normal}
:not(.compact)>tbody>tr>td::before{content:attr(data-label);color:var(--muted);text-align:left;flex:none;max-width:50%}
:not(.compact)>tbody>tr>td>span{text-align:right;overflow-wrap:anywhere;min-width:0}
.compact th,.compact td{padding:6px 14px 6px 0}.compact th:last-child,.compact td:last-child{padding-right:0}
table.compact{width:100%;font-size:.88rem}.compact td.n{white-space:normal}
.facts div{gap:10px}dt{flex-basis:8.5em}
}
@media print{
:root{--bg:#fff}body{font-size:10pt}nav{display:none}
details.card::details-content{content-visibility:visible;display:block;block-size:auto;height:auto}
.halves{grid-template-columns:1fr 1fr;gap:4px 18px}.thirds{grid-template-columns:repeat(3,1fr);gap:4px 18px}
.chart.wide text{font-size:15.5px}table,.facts,figcaption span{font-size:8.5pt}th,td{padding:4px 5px}.facts{grid-template-columns:1fr 1fr}.halves .facts{grid-template-columns:1fr}.facts code{font-size:8pt}
.scroll{overflow:visible}h2{margin-top:1.4em}main,body>header,body>footer{padding:0}dt{flex-basis:7em}
.card,.verdict,.tiles li{break-inside:auto;border-color:#bbb}.tiles{grid-template-columns:repeat(4,1fr)}
h2,h3,figcaption,summary{break-after:avoid}tr,figure,.tiles li{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
)css";

}  // namespace ersatz::report
