// The report: numbers for people, axes, the verdict, and the page as a whole. check_report.py reads the pages
// that this program writes.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "ersatz/selection/report.hpp"
#include "selection/report_text.hpp"
#include "selection/report_verdict.hpp"
#include "selection/svg_axis.hpp"
#include "selection/svg_pen.hpp"
#include "unit/selection/report_samples.hpp"

namespace ersatz {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(ReportText, NumbersAreWrittenForPeople) {
  EXPECT_EQ(report::number(0.0), "0");
  EXPECT_EQ(report::number(0.01234), "0.0123");
  EXPECT_EQ(report::number(1.2e-5), "1.2×10⁻⁵");
  EXPECT_EQ(report::number(-1e-10), "−10⁻¹⁰");
  EXPECT_EQ(report::number(9.996), "10");
  EXPECT_EQ(report::number(4500.0), "4500");
  EXPECT_EQ(report::number(123456.0), "123\u202f456");
  EXPECT_EQ(report::number(3.1e42, 2), "3.1×10⁴²");
  EXPECT_EQ(report::number(kNaN), "–");
  EXPECT_EQ(report::number(std::numeric_limits<double>::infinity()), "–");
  EXPECT_EQ(report::percent(0.0021), "0.21%");
  EXPECT_EQ(report::percent(0.6789), "67.9%");
  EXPECT_EQ(report::percent(3e-7), "3×10⁻⁷");
  EXPECT_EQ(report::fixed(-0.001, 2), "0.00");
  EXPECT_EQ(report::times(189655), "190\u202f000");
  EXPECT_EQ(report::duration(11.6e-6), "11.6\u00a0µs");
  EXPECT_EQ(report::duration(83), "83\u00a0s");
  EXPECT_EQ(report::duration(5400), "90\u00a0min");
  EXPECT_EQ(report::duration(3 * 86400.0), "3\u00a0d");
  EXPECT_EQ(report::duration(kNaN), "–");
}

TEST(ReportText, MarkupAndBrokenBytesAreMadeHarmless) {
  EXPECT_EQ(report::escape("<a href=\"x\">&'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(report::escape("\xc3\xbc \xe2\x88\x92"), "ü −");
  EXPECT_EQ(report::escape("\xff\xc3"), "\uFFFD\uFFFD");
  EXPECT_EQ(report::escape("\xc0\xaf"), "\uFFFD\uFFFD") << "overlong";
  EXPECT_EQ(report::escape(std::string("a\0b\x1b", 4)), "a b ");
}

TEST(ReportText, Quantiles) {
  Vector v(5);
  v << 3, kNaN, 1, 2, 4;
  EXPECT_DOUBLE_EQ(report::quantile(v, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(report::quantile(v, 1.0), 4.0);
  EXPECT_TRUE(std::isnan(report::quantile(Vector(), 0.5)));
}

TEST(ChartAxis, TicksAreRoundAndInside) {
  chart::Scale s{false, 2980.0, 10020.0, 0.0, 400.0};
  chart::Ticks t = chart::ticks_for(s, 4);
  EXPECT_EQ(t.labels, (std::vector<std::string>{"4000", "6000", "8000", "10\u202f000"}));
  t = chart::ticks_for({false, -2.1e-21, 2.3e-21, 0, 1}, 5);
  EXPECT_EQ(t.multiplier, "×10⁻²¹");
  EXPECT_EQ(t.labels, (std::vector<std::string>{"−2", "−1", "0", "1", "2"}));
  t = chart::ticks_for({true, 3e-7, 2e-2, 0, 1}, 7);
  for (std::size_t i = 0; i < t.at.size(); ++i) {
    EXPECT_GE(t.at[i], 3e-7);
    EXPECT_LE(t.at[i], 2e-2);
  }
  t = chart::ticks_for({true, 0.021, 0.048, 0, 1}, 5);
  EXPECT_GE(t.labels.size(), 3u) << "a log axis shorter than a decade still has labels";
}

TEST(ChartAxis, RangesHoldTheData) {
  chart::Axis axis;
  chart::Extent one(false);
  one.add(5.0);
  one.add(kNaN);
  const chart::Scale s = chart::scale_for(axis, one, 0.05);
  EXPECT_LT(s.lower, 5.0);
  EXPECT_GT(s.upper, 5.0);
  axis.log = true;
  chart::Extent wide(true);
  for (const double v : {0.0, -1.0, 1e-300, 1.0}) wide.add(v);
  const chart::Scale l = chart::scale_for(axis, wide, 0.0);
  EXPECT_NEAR(l.lower, 1e-12, 1e-18) << "twelve decades, not three hundred";
  EXPECT_TRUE(std::isnan(l(-1.0)));
}

TEST(Chart, ThinningKeepsExtremesAndGaps) {
  std::vector<chart::Place> places;
  for (int i = 0; i < 100000; ++i) places.push_back({i * 400e-5, i == 51234 ? -7.0 : std::sin(i)});
  places[20000].y = kNaN;
  const auto kept = chart::thinned(places, 1.0);
  EXPECT_LE(kept.size(), 1000u);
  const auto lowest =
      std::min_element(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.y < b.y; });
  EXPECT_EQ(lowest->y, -7.0);
  EXPECT_EQ(std::count_if(kept.begin(), kept.end(), [](const auto& p) { return std::isnan(p.y); }), 1);
}

OutputScores scores(double c68, double c95, double nrmse = 0.05) {
  OutputScores s;
  s.name = "y";
  s.coverage_68 = c68;
  s.coverage_95 = c95;
  s.nrmse = nrmse;
  s.median_relative_l2 = 0.002;
  s.p95_relative_l2 = 0.009;
  return s;
}

TEST(Verdict, CalibrationFollowsBothCoverages) {
  using report::Calibration;
  EXPECT_EQ(report::calibration_of(scores(0.55, 0.995)), Calibration::calibrated);
  EXPECT_EQ(report::calibration_of(scores(0.54, 0.94)), Calibration::narrow);
  EXPECT_EQ(report::calibration_of(scores(0.70, 0.87)), Calibration::narrow);
  EXPECT_EQ(report::calibration_of(scores(0.86, 0.97)), Calibration::wide);
  EXPECT_EQ(report::calibration_of(scores(0.86, 0.80)), Calibration::misshapen);
  EXPECT_EQ(report::calibration_of(scores(kNaN, kNaN)), Calibration::none);
}

TEST(Verdict, SaysWhatIsWrong) {
  ReportData d;
  d.simulator_seconds = 2.0;
  d.validation.n = 50;
  d.validation.predict_seconds = 1e-5;
  d.validation.outputs = {scores(0.67, 0.94)};
  EXPECT_EQ(report::judge(d).level, report::Level::good);
  EXPECT_EQ(
      report::judge(d).sentence,
      "On 50 simulations that it has not seen, its typical relative error is 0.2%, 95% of the held-out "
      "runs stay below 0.9%; its error bars are calibrated (68% and 95% intervals hold 67% and 94% of the "
      "truth), and a prediction takes 10\u00a0µs, 200\u202f000 times less than a simulation.");
  d.validation.outputs = {scores(0.3, 0.6)};
  EXPECT_EQ(report::judge(d).headline, "Use with care: error bars are too narrow");
  d.validation.outputs = {scores(0.67, 0.94, 0.9)};
  EXPECT_EQ(report::judge(d).level, report::Level::poor);
  d.validation.outputs = {scores(kNaN, kNaN)};
  EXPECT_EQ(report::judge(d).headline, "Use with care: no error bars");
  d.validation.outputs = {scores(0.67, 0.94)};
  d.validation.n = 5;
  EXPECT_EQ(report::judge(d).headline, "Use with care: only 5 held-out runs");
  d.validation.n = 0;
  EXPECT_EQ(report::judge(d).headline, "Not validated");
}

TEST(ReportPage, ShowsBasesAndWaveforms) {
  const std::string page = render_html(samples::waveform());
  for (const char* part :
       {"Elements of the basis of h22", "nodes", "Error against rank of h22", "set aside",
        "Basis leaves of others", "Mismatches of h<", "Worst waveform", "near its end",
        "advanced-ligo noise, maximised over time and phase; frequencies 20 to 512, 60 solar masses"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  ReportData without = samples::waveform();
  for (ChannelSummary& c : without.channels) c.basis_view = {};
  without.validation.groups.clear();
  EXPECT_EQ(render_html(without).find("Error against rank"), std::string::npos);
}

struct Sample {
  const char* name;
  ReportData (*make)();
};

class ReportPage : public testing::TestWithParam<Sample> {};

TEST_P(ReportPage, IsSmallAndRepeatable) {
  const ReportData data = GetParam().make();
  const std::string page = render_html(data);
  EXPECT_LT(page.size(), 1'000'000u);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page, render_html(data));
  std::ofstream(std::string(ERSATZ_REPORT_DIR) + "/sample-" + GetParam().name + ".html") << page;
}

INSTANTIATE_TEST_SUITE_P(Samples, ReportPage,
                         testing::Values(Sample{"supernova", samples::supernova},
                                         Sample{"waveform", samples::waveform},
                                         Sample{"scalar", samples::scalar},
                                         Sample{"knn", samples::neighbours}, Sample{"many", samples::many},
                                         Sample{"empty", samples::empty},
                                         Sample{"hostile", samples::hostile}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ersatz
