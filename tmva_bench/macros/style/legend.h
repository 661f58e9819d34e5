// Legends, and numbers in words.
#ifndef TMVA_BENCH_LEGEND_H
#define TMVA_BENCH_LEGEND_H

#include "canvas.h"
#include "looks.h"
#include "marks.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "TCanvas.h"
#include "TGraph.h"
#include "TMarker.h"

namespace bench {

// Pixels that hold the longest label, about 9 a character, and the small text under it, about 7.5.
inline double LabelWidth(const std::vector<Mark> &series, const std::vector<std::string> &texts = {})
{
   double longest = 0;
   for (const Mark &one : series)
      longest = std::max(longest, 9. * one.label.size());
   for (const std::string &text : texts)
      longest = std::max(longest, 7.5 * text.size());
   return longest;
}

// "0.9123 #pm 0.0011": the error with two significant digits, a value without error with three, but never
// more than five decimals.
inline std::string Text(const Mark &mark)
{
   const double value = mark.y, error = mark.high - mark.y;
   if (!std::isfinite(value))
      return "not measured";
   const bool hasError = std::isfinite(error) && error > 0;
   const double scale = hasError ? error : std::max(std::abs(value), 1e-3);
   const int decimals = std::min(5, std::max(0, (hasError ? 1 : 2) - int(std::floor(std::log10(scale)))));
   return hasError ? Form("%.*f  #pm  %.*f", decimals, value, decimals, error) : Form("%.*f", decimals, value);
}

// A legend's sample of an area, 44 pixels wide, and its text.
inline void WriteArea(TCanvas &canvas, double x, double y, bool signal, const std::string &text)
{
   Write(canvas, x + 54, y, text);
   auto area = new TGraph;
   for (const auto &corner : {std::make_pair(0, 2), {0, -14}, {44, -14}, {44, 2}, {0, 2}})
      area->AddPoint((x + corner.first) / canvas.GetWw(), 1 - (y + corner.second) / canvas.GetWh());
   SetArea(*area, signal);
   area->SetBit(kCanDelete);
   area->Draw("F");
   area->Draw("L");
}

// Beside a frame, where it hides nothing: each series with a line of its own text under its name. Returns where
// the legend ends, pixels from the top.
inline double DrawLegend(TCanvas &canvas, double left, double top, double bottom, const std::vector<Mark> &series,
                         const std::vector<std::string> &texts)
{
   const size_t all = series.size();
   const double step = std::min(50., (bottom - top) / (all + 1));
   double y = top + 10;
   for (size_t i = 0; i < all; ++i, y += step) {
      const auto x = [&](double pixels) { return (left + pixels) / canvas.GetWw(); };
      const double middle = 1 - y / canvas.GetWh();
      canvas.cd();
      const double xs[] = {x(0), x(70)}, ys[] = {middle, middle};
      DrawDashed(TGraph(2, xs, ys), series[i].colour, canvas.GetWw(), canvas.GetWh());
      auto marker = new TMarker(x(35), middle, 20);
      SetMarker(*marker, series[i].colour);
      marker->SetBit(kCanDelete);
      marker->Draw();
      Write(canvas, left + 84, y + 6, series[i].label);
      Write(canvas, left + 84, y + 26, texts[i], kSmall, 11, Grey());
   }
   return y;
}

} // namespace bench

#endif
