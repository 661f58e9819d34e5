// The look of a series, of signal and of background: colours, markers, dashes and areas.
#ifndef TMVA_BENCH_LOOKS_H
#define TMVA_BENCH_LOOKS_H

#include "marks.h"

#include <cmath>
#include <string>
#include <vector>

#include "TAttLine.h"
#include "TAttMarker.h"
#include "TColor.h"
#include "TGraph.h"
#include "TPad.h"
#include "TROOT.h"

namespace bench {

// The colours of naming.COLOURS.
inline int Colour(int index)
{
   static const std::vector<const char *> codes = {"#0072b2", "#d55e00", "#009e73", "#000000",
                                                   "#cc79a7", "#56b4e9", "#e69f00"};
   return TColor::GetColor(codes[index % codes.size()]);
}

// The same, halfway to white, for areas.
inline int Light(int index)
{
   const TColor &colour = *gROOT->GetColor(Colour(index));
   return TColor::GetColor((1 + colour.GetRed()) / 2, (1 + colour.GetGreen()) / 2, (1 + colour.GetBlue()) / 2);
}

inline int Grey()
{
   return TColor::GetColor("#595959");
}

inline int SignalColour()
{
   return TColor::GetColor("#0072B2");
}

inline int SignalFill()
{
   return TColor::GetColor("#A9D3EC");
}

inline int BackgroundColour()
{
   return TColor::GetColor("#B34700"); // vermilion, darker than Okabe and Ito's: told from the signal in grey
}

// In grey print a series is known by its marker (and, where it is one long curve, by its dashes).
inline void SetMarker(TAttMarker &marker, int series)
{
   static const std::vector<int> styles = {20, 25, 22, 27, 34, 24, 21, 26, 33, 28, 23, 30};
   marker.SetMarkerColor(Colour(series));
   marker.SetMarkerStyle(styles[series % styles.size()]);
   marker.SetMarkerSize(1.3);
}

// Draws a curve in the dashes of a series; `perX` and `perY` are the pixels of a unit of its axes (of a decade of a
// logarithmic one). We cut the dashes ourselves: ROOT's restart at every point, so in a PNG a curve of many points
// comes out solid. Cut by length, the dashes of repetitions lie on each other.
inline void DrawDashed(const TGraph &curve, int series, double perX, double perY)
{
   static const std::vector<std::vector<double>> patterns = {
      {1e9}, {13, 8}, {3, 5}, {13, 6, 3, 6}, {30, 10}, {13, 6, 3, 6, 3, 6}}; // pixels on, off, on, ...
   const std::vector<double> &pattern = patterns[series % patterns.size()];
   size_t element = 0;
   double left = pattern[0]; // pixels to the end of the element
   TGraph *dash = nullptr;
   for (int i = 1; i < curve.GetN(); ++i) {
      const double x = gPad->XtoPad(curve.GetX()[i - 1]), y = gPad->YtoPad(curve.GetY()[i - 1]);
      const double dx = gPad->XtoPad(curve.GetX()[i]) - x, dy = gPad->YtoPad(curve.GetY()[i]) - y;
      const double length = std::hypot(dx * perX, dy * perY);
      const auto add = [&](double part) { dash->AddPoint(gPad->PadtoX(x + part * dx), gPad->PadtoY(y + part * dy)); };
      for (double done = 0; done < length;) {
         const double step = std::min(left, length - done);
         if (element % 2 == 0) {
            if (!dash) {
               dash = new TGraph;
               dash->SetNameTitle("line", curve.GetTitle());
               dash->SetLineColor(Colour(series));
               dash->SetLineWidth(2);
               dash->SetBit(kCanDelete);
               dash->Draw("L");
               add(done / length);
            }
            add((done + step) / length);
         }
         done += step;
         left -= step;
         if (left <= 0) {
            element = (element + 1) % pattern.size();
            left = pattern[element];
            dash = nullptr;
         }
      }
   }
}

// Areas of signal are filled, those of background hatched.
inline void SetArea(TGraph &area, bool signal)
{
   area.SetLineColor(signal ? SignalColour() : BackgroundColour());
   area.SetLineWidth(2);
   area.SetFillColor(signal ? SignalFill() : BackgroundColour());
   area.SetFillStyle(signal ? 1001 : 3354);
}

// A histogram: the height of each bin at its lower edge, that of the last at its upper one, too.
inline void DrawArea(const std::vector<Mark> &edges, bool signal)
{
   auto area = new TGraph;
   area->AddPoint(edges.front().x, 0);
   for (size_t i = 0; i + 1 < edges.size(); ++i) {
      area->AddPoint(edges[i].x, edges[i].y);
      area->AddPoint(edges[i + 1].x, edges[i].y);
   }
   area->AddPoint(edges.back().x, 0);
   SetArea(*area, signal);
   area->SetBit(kCanDelete);
   area->Draw("F");
   area->Draw("L");
}

} // namespace bench

#endif
