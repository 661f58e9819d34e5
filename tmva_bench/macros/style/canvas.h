// The canvas of a figure, its texts, placed in pixels, and its files.
#ifndef TMVA_BENCH_CANVAS_H
#define TMVA_BENCH_CANVAS_H

#include "failing.h"
#include "looks.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "TCanvas.h"
#include "TColor.h"
#include "TGaxis.h"
#include "TLatex.h"
#include "TROOT.h"
#include "TStyle.h"
#include "TSystem.h"
#include "TText.h"

namespace bench {

const int kText = 17; // text sizes, pixels
const int kSmall = 15;
const int kTitle = 24;
const int kFont = 43; // Helvetica, size in pixels
const int kBold = 63;

// What stands under the figures of one call: every value that the runs share or, for a talk, few; and the file's note.
struct Footer {
   bool whole = false;
   std::string note;
};

inline Footer &TheFooter()
{
   static Footer footer;
   return footer;
}

inline void SetStyle()
{
   gStyle->SetOptStat(0);
   gStyle->SetOptTitle(0);
   gStyle->SetCanvasColor(0);
   gStyle->SetPadTickX(1);
   gStyle->SetPadTickY(1);
   gStyle->SetEndErrorSize(3);
   gStyle->SetHatchesSpacing(0.8);
   gStyle->SetHatchesLineWidth(1);
   gStyle->SetNumberContours(100);
   TGaxis::SetMaxDigits(5); // as TAxis::SetMaxDigits, the number of divisions would shrink with the pad
}

// Text in the current canvas, `x` from its left and `y` from its top edge, pixels; alignment as in TAttText.
inline TLatex *Write(TCanvas &canvas, double x, double y, const std::string &text, int size = kText, int align = 11,
                     int colour = kBlack, int font = kFont, double angle = 0)
{
   canvas.cd();
   auto latex = new TLatex(x / canvas.GetWw(), 1 - y / canvas.GetWh(), text.c_str());
   latex->SetNDC();
   latex->SetTextFont(font);
   latex->SetTextSize(size);
   latex->SetTextAlign(align);
   latex->SetTextColor(colour);
   latex->SetTextAngle(angle);
   latex->SetBit(kCanDelete);
   latex->Draw();
   return latex;
}

// The text size, at most kText, that keeps a text within so many pixels.
inline int FittingSize(const std::string &text, double width)
{
   return std::min<double>(kText, width / (0.53 * text.size()));
}

// Pixels that a character of small text fills at most, of Helvetica's widths; a byte of another alphabet counts as one.
inline double SmallWidth(char character)
{
   const std::string narrow = " !'(),-./:;I[]fijlrt|", wide = "mwMW%";
   const bool capital = character >= 'A' && character <= 'Z';
   if (narrow.find(character) != std::string::npos)
      return 0.3 * kSmall;
   return (wide.find(character) != std::string::npos ? 0.82 : capital ? 0.65 : 0.5) * kSmall;
}

// What stands under a figure cut into lines for a canvas of so many pixels: after a semicolon, else a comma, else at a
// space.
inline std::vector<std::string> Lines(std::string text, double width)
{
   std::vector<std::string> lines;
   while (!text.empty()) {
      size_t end = std::min(text.find('\n'), text.size()), longest = 0;
      for (double left = width - 40; longest < text.size() && left >= SmallWidth(text[longest]); ++longest)
         left -= SmallWidth(text[longest]);
      longest = std::max<size_t>(longest, 20);
      if (end > longest) {
         end = text.rfind(' ', longest - 1);
         for (const char *mark : {", ", "; "}) {
            const size_t place = text.rfind(mark, longest - 2);
            if (place != std::string::npos && place > longest / 2)
               end = place + 1;
         }
         if (end == std::string::npos || end == 0)
            end = longest;
      }
      if (end > 0)
         lines.push_back(text.substr(0, end));
      text.erase(0, end < text.size() && (text[end] == ' ' || text[end] == '\n') ? end + 1 : end);
   }
   return lines;
}

const double kHeader = 56; // height of the title, pixels

// A canvas with its title and, under its `height` pixels, the caption and the file's note in lines of their own.
inline TCanvas *Canvas(const std::string &name, int width, double height, const std::string &title,
                       const std::string &caption)
{
   SetStyle();
   delete gROOT->GetListOfCanvases()->FindObject(name.c_str()); // of an earlier call in an interactive session
   auto lines = Lines(caption, width);
   const auto note = Lines(TheFooter().note, width);
   lines.insert(lines.end(), note.begin(), note.end());
   const int whole = height + 21 * lines.size() + 14;
   auto canvas = new TCanvas(name.c_str(), title.c_str(), width, whole);
   canvas->SetCanvasSize(width, whole);
   Write(*canvas, 20, 34, title, kTitle, 11, kBlack, kBold);
   double y = height + 14;
   for (const std::string &line : lines) {
      auto text = new TText(20. / width, 1 - y / whole, line.c_str()); // as it stands, whatever the file says
      text->SetNDC();
      text->SetTextFont(kFont);
      text->SetTextSize(kSmall);
      text->SetTextColor(Grey());
      text->SetBit(kCanDelete);
      text->Draw();
      y += 21;
   }
   return canvas;
}

// ROOT's page is a sheet of A4 of which a part is shown: that part becomes the page, in as many bytes.
inline void CutPage(const std::string &path)
{
   std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
   const std::string all{std::istreambuf_iterator<char>(file), {}}, name = "/CropBox";
   file.clear();
   const size_t page = all.rfind("/MediaBox"), part = all.find(name, page);
   const size_t end = part == std::string::npos ? part : all.find(']', part);
   if (page == std::string::npos || end == std::string::npos || end - page > 100)
      return;
   std::string box = "/MediaBox" + all.substr(part + name.size(), end + 1 - part - name.size());
   box.resize(end + 1 - page, ' ');
   file.seekp(page);
   file << box;
}

inline void Save(TCanvas &canvas, const std::string &figures)
{
   if (gSystem->AccessPathName(figures.c_str()) && gSystem->mkdir(figures.c_str(), true) != 0)
      Fail(figures + ": folder cannot be made");
   gStyle->SetLineScalePS(3 * 800. / canvas.GetWw()); // the PDF's page has one width: lines as thick as in the PNG
   for (const std::string kind : {"png", "pdf"}) {
      const std::string path = figures + "/" + canvas.GetName() + "." + kind;
      gSystem->Unlink(path.c_str()); // an old figure must not pass for this one
      canvas.Print(path.c_str(), kind == "pdf" ? "pdfPortrait" : "png");
      if (gSystem->AccessPathName(path.c_str()))
         Fail(path + ": cannot be written");
      if (kind == "pdf")
         CutPage(path);
   }
}

} // namespace bench

#endif
