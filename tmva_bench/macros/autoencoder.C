// What an autoencoder makes of the test events: input against reconstruction of each variable, the code space of two
// encoded variables, and the ROC curve of the error as a score of what it has not met.
//   root -l -b -q 'macros/autoencoder.C("encoded.root", "figures")'
// The file is one of tmva-bench encode, or encoded.root of a run of the method dae.
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TLine.h"

namespace {

const int nDrawn = 2000; // events of a class that a cell shows

struct Reconstructed {
   std::vector<std::vector<double>> inputs, reconstructed; // by variable, then event
   std::vector<std::vector<double>> encoded;
   size_t size; // events
};

std::vector<std::string> Variables(TTree &tree)
{
   const std::string end = "_input";
   std::vector<std::string> names;
   for (const TObject *branch : *tree.GetListOfBranches()) {
      const std::string name = branch->GetName();
      if (name.size() > end.size() && name.substr(name.size() - end.size()) == end)
         names.push_back(name.substr(0, name.size() - end.size()));
   }
   return names;
}

Reconstructed ReadEvents(TFile &file, const char *letter, const std::vector<std::string> &names)
{
   TTree &tree = bench::Tree(file, (std::string("Reconstruction") + letter).c_str());
   TTree &test = bench::Tree(file, (std::string("Test") + letter).c_str());
   Reconstructed events;
   for (const std::string &name : names) {
      events.inputs.push_back(bench::Numbers(tree, name + "_input"));
      events.reconstructed.push_back(bench::Numbers(tree, name + "_reconstructed"));
   }
   events.size = tree.GetEntries();
   for (int i = 1; test.GetBranch(Form("latent%d", i)); ++i)
      events.encoded.push_back(bench::Numbers(test, Form("latent%d", i)));
   return events;
}

// Square and plus: in a PNG, ROOT wipes an area as large as the figure for each circle.
int Marker(bool signal)
{
   return signal ? 21 : 2;
}

void DrawPoints(const std::vector<double> &x, const std::vector<double> &y, bool signal)
{
   auto points = new TGraph;
   for (size_t i = 0; i < std::min<size_t>(x.size(), nDrawn); ++i)
      points->AddPoint(x[i], y[i]);
   points->SetMarkerStyle(Marker(signal));
   points->SetMarkerSize(0.35);
   points->SetMarkerColor(signal ? bench::SignalColour() : bench::BackgroundColour());
   points->SetBit(kCanDelete);
   points->Draw("P");
}

void WriteClass(TCanvas &canvas, double x, double y, bool signal)
{
   canvas.cd();
   auto marker = new TMarker((x + 20) / canvas.GetWw(), 1 - (y - 5) / canvas.GetWh(), Marker(signal));
   marker->SetNDC();
   marker->SetMarkerColor(signal ? bench::SignalColour() : bench::BackgroundColour());
   marker->SetBit(kCanDelete);
   marker->Draw();
   bench::Write(canvas, x + 36, y, signal ? "signal" : "background");
}

bench::Extent ExtentOf(const std::vector<const std::vector<double> *> &columns)
{
   bench::Extent extent;
   for (const auto *column : columns)
      for (size_t i = 0; i < std::min<size_t>(column->size(), nDrawn); ++i)
         extent.Add((*column)[i]);
   if (!(extent.low < extent.high))
      bench::Fail("a variable has one value only");
   const double margin = 0.03 * (extent.high - extent.low);
   return {extent.low - margin, extent.high + margin};
}

void DrawVariables(const std::vector<std::string> &names, const Reconstructed &signal, const Reconstructed &background,
                   const std::string &line, const char *figures)
{
   const int perPage = 30, n = names.size();
   for (int first = 0; first < n; first += perPage) {
      const int page = first / perPage + 1, last = std::min(first + perPage, n);
      const bench::Grid grid(last - first);
      const double top = bench::kHeader + 34;
      TCanvas *canvas =
         bench::Canvas(page == 1 ? "reconstruction" : Form("reconstruction_%d", page), grid.CanvasWidth(),
                       top + grid.rows * grid.height + 10, "Input variables and their reconstruction", line);
      WriteClass(*canvas, 62, top - 20, true);
      WriteClass(*canvas, 202, top - 20, false);
      for (int i = first; i < last; ++i) {
         const auto range = ExtentOf({&signal.inputs[i], &background.inputs[i]});
         grid.Cell(*canvas, i - first, top, names[i], "", "input", "reconstruction");
         bench::Axes(range.low, range.low, range.high, range.high, 505, 505);
         DrawPoints(background.inputs[i], background.reconstructed[i], false);
         DrawPoints(signal.inputs[i], signal.reconstructed[i], true);
         auto diagonal = new TLine(range.low, range.low, range.high, range.high);
         diagonal->SetBit(kCanDelete);
         diagonal->Draw();
         gPad->RedrawAxis();
      }
      bench::Save(*canvas, figures);
   }
}

void DrawCodes(const Reconstructed &signal, const Reconstructed &background, const std::string &line, const char *figures)
{
   const bench::Grid grid(1);
   const double top = bench::kHeader + 34;
   TCanvas *canvas =
      bench::Canvas("codes", grid.CanvasWidth(), top + grid.height + 10, "The two encoded variables", line);
   WriteClass(*canvas, 62, top - 20, true);
   WriteClass(*canvas, 202, top - 20, false);
   grid.Cell(*canvas, 0, top, "", "", "latent1", "latent2");
   const auto x = ExtentOf({&signal.encoded[0], &background.encoded[0]});
   const auto y = ExtentOf({&signal.encoded[1], &background.encoded[1]});
   bench::Axes(x.low, y.low, x.high, y.high, 510, 510);
   DrawPoints(background.encoded[0], background.encoded[1], false);
   DrawPoints(signal.encoded[0], signal.encoded[1], true);
   gPad->RedrawAxis();
   bench::Save(*canvas, figures);
}

void DrawAnomaly(const bench::Figure &figure, const std::string &line, const char *figures)
{
   const bench::Grid grid(1);
   const double top = bench::kHeader + 58;
   TCanvas *canvas = bench::Canvas(figure.name, grid.CanvasWidth(), top + grid.height + 10, figure.Text("title"), line);
   grid.Cell(*canvas, 0, top, "", "", "signal efficiency", "background rejection");
   bench::Axes(0, 0, 1, 1.02, 510, 510);
   double y = top - 42;
   for (const bench::Mark &series : figure.Of("series")) {
      TGraph curve;
      for (const bench::Mark &point : figure.Of("curve", "", series.label))
         curve.AddPoint(point.x, point.y);
      bench::DrawDashed(curve, series.colour, grid.width - 80, grid.height - 90);
   }
   for (const bench::Mark &series : figure.Of("series")) {
      bench::Write(*canvas, 82, y, Form("%s, ROC area %.4f", series.label.c_str(), series.y), bench::kText, 11,
                   bench::Colour(series.colour));
      y += 22;
   }
   bench::Save(*canvas, figures);
}

} // namespace

int autoencoder(const char *encodedFile, const char *figures = "figures")
{
   return bench::Run("autoencoder.C", [&] {
      bench::TheFooter() = {};
      const auto file = bench::Open(encodedFile);
      const auto names = Variables(bench::Tree(*file, "ReconstructionS"));
      const Reconstructed signal = ReadEvents(*file, "S", names), background = ReadEvents(*file, "B", names);
      const std::string line = Form("%s, test events: signal %zu, background %zu, %zu encoded variables",
                                    gSystem->BaseName(encodedFile), signal.size, background.size,
                                    signal.encoded.size());
      DrawVariables(names, signal, background, line + Form(", the first %d of each class", nDrawn), figures);
      if (signal.encoded.size() == 2)
         DrawCodes(signal, background, line + Form(", the first %d of each class", nDrawn), figures);
      const auto marks = bench::Ask(encodedFile, {"autoencoder", bench::AbsolutePath(encodedFile), "", "", ""});
      bench::Check(encodedFile, marks);
      DrawAnomaly(bench::Sorted(marks).front(), line, figures);
   });
}
