// The input variables of signal and background, training events, and their linear correlations.
//   root -l -b -q 'macros/inputs.C("input.root", "figures")'
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TBox.h"

namespace {

void DrawVariables(const bench::Figure &figure, const std::string &caption, const char *folder)
{
   const auto variables = figure.Of("variable");
   const int perPage = 30, n = variables.size();
   for (int first = 0; first < n; first += perPage) {
      const int page = first / perPage + 1, last = std::min(first + perPage, n);
      const bench::Grid grid(last - first);
      const double top = bench::kHeader + 34;
      TCanvas *canvas = bench::Canvas(figure.name + (page == 1 ? "" : Form("_%d", page)), grid.CanvasWidth(),
                                      top + grid.rows * grid.height + 10, figure.Text("title"), caption);
      bench::WriteArea(*canvas, 82, top - 20, true, "signal");
      bench::WriteArea(*canvas, 222, top - 20, false, "background");
      for (int i = first; i < last; ++i) {
         const auto signal = figure.Of("signal", variables[i].panel);
         const auto background = figure.Of("background", variables[i].panel);
         double highest = 0;
         for (const auto *bins : {&signal, &background})
            for (const bench::Mark &bin : *bins)
               highest = std::max(highest, bin.y);
         grid.Cell(*canvas, i - first, top, "", "", variables[i].text, "share per bin");
         bench::Axes(signal.front().x, 0, signal.back().x, 1.08 * highest, 505, 504);
         bench::DrawArea(signal, true);
         bench::DrawArea(background, false);
         gPad->RedrawAxis();
      }
      bench::Save(*canvas, folder);
   }
}

// From white to blue (negative) or orange (positive), light enough for black numbers.
int CorrelationColour(double correlation)
{
   const TColor &full = *gROOT->GetColor(TColor::GetColor(correlation < 0 ? "#56B4E9" : "#E69F00"));
   const float part = std::min(1., std::abs(correlation));
   const auto mixed = [&](float component) { return 1 - part * (1 - component); };
   return TColor::GetColor(mixed(full.GetRed()), mixed(full.GetGreen()), mixed(full.GetBlue()));
}

void DrawMatrix(TCanvas &canvas, double left, double top, double cell, const std::string &title,
                const std::vector<std::string> &names, const std::vector<bench::Mark> &correlations)
{
   const int n = names.size();
   const char *minus = "#font[122]{-}"; // a hyphen is too short
   const double bottom = top + n * cell;
   const int size = cell > 40 ? bench::kText : bench::kSmall;
   bench::Write(canvas, left, top - 14, title, bench::kText, 11, kBlack, bench::kBold);
   for (int i = 0; i < n; ++i) {
      bench::Write(canvas, left - 8, top + (i + 0.5) * cell, names[i], size, 32);
      bench::Write(canvas, left + (i + 0.5) * cell, bottom + 8, names[i], size, 32, kBlack, bench::kFont, 90);
   }
   bench::Frame(canvas, left, top, left + n * cell, bottom);
   bench::Axes(0, 0, n, n, 0, 0);
   for (int k = 0; k < n * n; ++k) {
      const int row = k / n, column = k % n;
      const double correlation = correlations[k].y; // NaN with a constant
      const long percent = std::isfinite(correlation) ? std::lround(100 * correlation) : 0;
      const std::string text =
         std::isfinite(correlation) ? Form("%s%ld", percent < 0 ? minus : "", std::abs(percent)) : minus;
      auto box = new TBox(column, n - row - 1, column + 1, n - row);
      box->SetFillColor(CorrelationColour(percent / 100.));
      auto number = new TLatex(column + 0.5, n - row - 0.5, text.c_str());
      number->SetTextFont(bench::kFont);
      number->SetTextSize(cell > 40 ? bench::kText : 13);
      number->SetTextAlign(22);
      box->SetBit(kCanDelete);
      number->SetBit(kCanDelete);
      box->Draw();
      number->Draw();
   }
   gPad->RedrawAxis();
}

void DrawCorrelations(const bench::Figure &figure, const std::string &caption, const char *folder)
{
   std::vector<std::string> names;
   size_t longest = 0;
   for (const bench::Mark &mark : figure.Of("correlation", "signal"))
      if (mark.x == 0) {
         names.push_back(mark.label);
         longest = std::max(longest, mark.label.size());
      }
   const int n = names.size();
   const double cell = std::max(34., std::min(100., 560. / n)), labels = 40 + 8.5 * longest, side = n * cell;
   const double width = std::max(1000., 2 * (labels + side) + 60);
   const double top = bench::kHeader + 36;
   TCanvas *canvas = bench::Canvas(figure.name, width, top + side + labels, figure.Text("title"), caption);
   DrawMatrix(*canvas, labels, top, cell, "signal", names, figure.Of("correlation", "signal"));
   DrawMatrix(*canvas, 2 * labels + side + 20, top, cell, "background", names, figure.Of("correlation", "background"));
   bench::Save(*canvas, folder);
}

} // namespace

int inputs(const char *inputFile, const char *figures = "figures")
{
   return bench::Run("inputs.C", [&] {
      bench::TheFooter() = {};
      const auto file = bench::Open(inputFile);
      for (const char *name : {"TrainS", "TrainB"})
         bench::Branch(bench::Tree(*file, name), "weight");
      const auto marks = bench::Ask(inputFile, {"inputs", bench::AbsolutePath(inputFile), "", "", ""});
      bench::Check(inputFile, marks);
      for (const bench::Figure &figure : bench::Sorted(marks)) {
         const std::string caption = std::string(gSystem->BaseName(inputFile)) + ", " + figure.Text("caption");
         if (figure.name == "inputs")
            DrawVariables(figure, caption, figures);
         else
            DrawCorrelations(figure, caption, figures);
      }
   });
}
