// The frames of a figure, alone or in cells, and their axes.
#ifndef TMVA_BENCH_AXES_H
#define TMVA_BENCH_AXES_H

#include "canvas.h"
#include "marks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "TCanvas.h"
#include "TH1.h"
#include "TPad.h"

namespace bench {

const double kFromLog = 30; // values that span a larger factor get a logarithmic axis

// What values and their errors span.
struct Extent {
   double low = 1e99, high = -1e99;

   void Add(double value)
   {
      if (std::isfinite(value)) {
         low = std::min(low, value);
         high = std::max(high, value);
      }
   }
   void Add(const Mark &mark)
   {
      Add(mark.y);
      Add(mark.low);
      Add(mark.high);
   }
};

// Cells of equal size for so many frames, in a canvas of 1000 to 1940 pixels.
struct Grid {
   int columns, rows;
   double width, height; // of a cell, pixels

   explicit Grid(int cells)
   {
      columns = cells < 4 ? cells : cells == 4 ? 2 : cells < 7 ? 3 : cells < 13 ? 4 : 5;
      rows = (cells + columns - 1) / columns;
      width = columns == 1 ? 960 : columns == 2 ? 560 : columns == 5 ? 380 : 420;
      height = columns == 1 ? 600 : columns == 2 ? 440 : columns == 5 ? 290 : 340;
   }
   double CanvasWidth() const { return columns * width + 40; }
   // The pad of a cell, with its title, a line under it and the titles of its axes; `top` is that of the first row.
   TPad *Cell(TCanvas &canvas, int cell, double top, const std::string &title, const std::string &line,
              const std::string &x, const std::string &y) const;
};

// A pad whose frame has the given edges, pixels from the canvas' left and top; drawing goes there.
inline TPad *Frame(TCanvas &canvas, double left, double top, double right, double bottom)
{
   const double margin[] = {std::min(left, 70.), std::min(top, 10.), 12., 40.}; // left, top, right, bottom
   const double x1 = left - margin[0], y1 = top - margin[1], x2 = right + margin[2], y2 = bottom + margin[3];
   canvas.cd();
   auto pad = new TPad(Form("%s_%d", canvas.GetName(), canvas.GetListOfPrimitives()->GetSize()), "",
                       x1 / canvas.GetWw(), 1 - y2 / canvas.GetWh(), x2 / canvas.GetWw(), 1 - y1 / canvas.GetWh());
   pad->SetMargin(margin[0] / (x2 - x1), margin[2] / (x2 - x1), margin[3] / (y2 - y1), margin[1] / (y2 - y1));
   pad->SetFillStyle(0); // pads may lie over each other's margins
   pad->SetBit(kCanDelete);
   pad->Draw();
   pad->cd();
   return pad;
}

inline TPad *Grid::Cell(TCanvas &canvas, int cell, double top, const std::string &title, const std::string &line,
                        const std::string &x, const std::string &y) const
{
   const double left = 20 + cell % columns * width + 62, right = left + width - 80;
   const double begin = top + cell / columns * height, up = begin + (line.empty() ? 30 : 50);
   const double down = begin + height - 60;
   Write(canvas, left, begin + 20, title, FittingSize(title, width - 80), 11, kBlack, kBold);
   Write(canvas, left, begin + 40, line, kSmall, 11, Grey());
   Write(canvas, right, down + 44, x, FittingSize(x, width - 90), 31);
   Write(canvas, left - 56, (up + down) / 2, y, kText, 23, kBlack, kFont, 90);
   return Frame(canvas, left, up, right, down);
}

// The axes of the current pad, numbers in the common size; the first thing to draw in a frame.
inline TH1 *Axes(double xLow, double yLow, double xHigh, double yHigh, int xDivisions = 505, int yDivisions = 505)
{
   TH1 *axes = gPad->DrawFrame(xLow, yLow, xHigh, yHigh);
   for (TAxis *axis : {axes->GetXaxis(), axes->GetYaxis()}) {
      axis->SetLabelFont(kFont);
      axis->SetLabelSize(kSmall);
   }
   axes->GetXaxis()->SetNdivisions(xDivisions);
   axes->GetYaxis()->SetNdivisions(yDivisions);
   const double xPixel = 1 / (gPad->GetWw() * gPad->GetAbsWNDC()), yPixel = 1 / (gPad->GetWh() * gPad->GetAbsHNDC());
   axes->GetXaxis()->SetTickLength(8 * yPixel);
   axes->GetYaxis()->SetTickLength(8 * xPixel);
   axes->GetXaxis()->SetLabelOffset(8 * yPixel); // clear of a number at the lower end of the y axis
   axes->GetYaxis()->SetLabelOffset(6 * xPixel);
   return axes;
}

} // namespace bench

#endif
