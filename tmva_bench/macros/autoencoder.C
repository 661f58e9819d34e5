// What an autoencoder makes of the test events: input against reconstruction of each variable, the code space of two
// encoded variables, and the ROC curve of the error as a score of what it has not met.
//   root -l -b -q 'macros/autoencoder.C("encoded.root", "figures")'
// The file is one of tmva-bench encode, or encoded.root of a run of the method dae.
#include "style.h"

#include "TLine.h"

namespace {

const int nDrawn = 2000; // events of a class that a cell shows

struct Reconstructed {
   std::vector<std::vector<double>> inputs, reconstructed; // by variable, then event
   std::vector<double> errors, pca, weights;
   std::vector<std::vector<double>> encoded;
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
   events.errors = bench::Numbers(tree, "error");
   events.pca = bench::Numbers(tree, "pca_error");
   events.weights = bench::Numbers(test, "weight");
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

// Signal efficiency and background rejection where the error is above a threshold, and the area under the curve.
std::pair<TGraph, double> Roc(const std::vector<double> &signal, const std::vector<double> &signalWeights,
                              const std::vector<double> &background, const std::vector<double> &backgroundWeights)
{
   std::vector<std::tuple<double, double, double>> events; // error, weight in signal and in background
   double signalSum = 0, backgroundSum = 0;
   for (size_t i = 0; i < signal.size(); ++i) {
      events.emplace_back(signal[i], signalWeights[i], 0.);
      signalSum += signalWeights[i];
   }
   for (size_t i = 0; i < background.size(); ++i) {
      events.emplace_back(background[i], 0., backgroundWeights[i]);
      backgroundSum += backgroundWeights[i];
   }
   std::sort(events.rbegin(), events.rend());
   TGraph curve;
   curve.AddPoint(0, 1);
   double efficiency = 0, rejection = 1, area = 0;
   const size_t step = 1 + events.size() / 500;
   for (size_t i = 0; i < events.size(); ++i) {
      const double before = efficiency;
      efficiency += std::get<1>(events[i]) / signalSum;
      rejection -= std::get<2>(events[i]) / backgroundSum;
      area += (efficiency - before) * rejection;
      if (i % step == 0 || i + 1 == events.size())
         curve.AddPoint(efficiency, rejection);
   }
   return {curve, area};
}

void DrawAnomaly(const Reconstructed &signal, const Reconstructed &background, const std::string &line, const char *figures)
{
   const bench::Grid grid(1);
   const double top = bench::kHeader + 58;
   TCanvas *canvas = bench::Canvas("anomaly", grid.CanvasWidth(), top + grid.height + 10,
                                   "The reconstruction error as a score", line);
   const auto mine = Roc(signal.errors, signal.weights, background.errors, background.weights);
   const auto linear = Roc(signal.pca, signal.weights, background.pca, background.weights);
   grid.Cell(*canvas, 0, top, "", "", "signal efficiency", "background rejection");
   bench::Axes(0, 0, 1, 1.02, 510, 510);
   bench::DrawDashed(mine.first, 0, grid.width - 80, grid.height - 90);
   bench::DrawDashed(linear.first, 1, grid.width - 80, grid.height - 90);
   bench::Write(*canvas, 82, top - 42, Form("autoencoder, ROC area %.4f", mine.second), bench::kText, 11,
                bench::Colour(0));
   bench::Write(*canvas, 82, top - 20, Form("principal components (dashed), ROC area %.4f", linear.second),
                bench::kText, 11, bench::Colour(1));
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
                                    gSystem->BaseName(encodedFile), signal.errors.size(), background.errors.size(),
                                    signal.encoded.size());
      DrawVariables(names, signal, background, line + Form(", the first %d of each class", nDrawn), figures);
      if (signal.encoded.size() == 2)
         DrawCodes(signal, background, line + Form(", the first %d of each class", nDrawn), figures);
      DrawAnomaly(signal, background, line, figures);
   });
}
