// The input variables of signal and background, training events, and their linear correlations.
//   root -l -b -q 'macros/inputs.C("input.root", "figures")'
#include "style.h"

#include "TBox.h"
#include "TBufferJSON.h"
#include "TObjString.h"

namespace {

struct Events {
   std::vector<std::vector<double>> values; // by variable, then event
   std::vector<double> weights;
   double sum = 0; // of the weights
};

std::vector<std::string> VariableNames(TTree &tree)
{
   std::vector<std::string> names;
   for (const TObject *branch : *tree.GetListOfBranches())
      if (std::string(branch->GetName()) != "weight")
         names.push_back(branch->GetName());
   if (names.empty())
      bench::Fail(std::string("tree ") + tree.GetName() + " has no variables");
   return names;
}

// The names that the variables had before TMVA could read them, from the metadata that tmva-bench writes.
std::map<std::string, std::string> OriginalNames(TFile &file)
{
   auto metadata = dynamic_cast<TObjString *>(file.Get("metadata"));
   const std::string text = metadata ? metadata->GetString().Data() : "", key = "\"original_names\": ";
   if (text.find(key) == std::string::npos)
      return {};
   const size_t begin = text.find(key) + key.size();
   size_t end = begin;
   for (bool quoted = false; end < text.size() && (quoted || text[end] != '}'); ++end) {
      if (text[end] == '\\')
         ++end;
      else if (text[end] == '"')
         quoted = !quoted;
   }
   // ROOT reads an object as a map where all its values are texts, as in this one and not in the whole
   const auto names = TBufferJSON::FromJSON<std::map<std::string, std::string>>(text.substr(begin, end + 1 - begin));
   return names ? *names : std::map<std::string, std::string>();
}

Events ReadEvents(TTree &tree, const std::vector<std::string> &names)
{
   std::vector<TLeaf *> leaves;
   for (const std::string &name : names)
      leaves.push_back(static_cast<TLeaf *>(bench::Branch(tree, name.c_str()).GetListOfLeaves()->First()));
   auto weight = static_cast<TLeaf *>(bench::Branch(tree, "weight").GetListOfLeaves()->First());
   Events events;
   events.values.resize(names.size());
   for (Long64_t entry = 0; entry < tree.GetEntries(); ++entry) {
      tree.GetEntry(entry);
      for (size_t i = 0; i < names.size(); ++i) {
         events.values[i].push_back(leaves[i]->GetValue());
         if (!std::isfinite(events.values[i].back()))
            bench::Fail(std::string("tree ") + tree.GetName() + ", branch " + names[i] + ": NaN or infinite at entry " +
                        std::to_string(entry));
      }
      events.weights.push_back(weight->GetValue());
      events.sum += events.weights.back();
   }
   if (!(events.sum > 0))
      bench::Fail(std::string("tree ") + tree.GetName() + ": the sum of the weights is not positive");
   return events;
}

// The range that leaves out 0.5 % of a class's events at each end.
std::pair<double, double> Range(const std::vector<std::vector<double>> &classes)
{
   double low = 1e99, high = -1e99;
   for (std::vector<double> values : classes) {
      std::sort(values.begin(), values.end());
      const size_t cut = values.size() / 200;
      low = std::min(low, values[cut]);
      high = std::max(high, values[values.size() - 1 - cut]);
   }
   const double margin = high > low ? 0.03 * (high - low) : 0.5;
   return {low - margin, high + margin};
}

// Shares of the weights per bin.
std::vector<bench::Bin> Shares(const Events &events, size_t variable, std::pair<double, double> range)
{
   const int nBins = 50;
   const double width = (range.second - range.first) / nBins;
   std::vector<bench::Bin> bins;
   for (int i = 0; i < nBins; ++i)
      bins.push_back({range.first + i * width, range.first + (i + 1) * width, 0, 0});
   for (size_t event = 0; event < events.weights.size(); ++event) {
      const double bin = std::floor((events.values[variable][event] - range.first) / width);
      if (bin >= 0 && bin < nBins)
         bins[bin].density += events.weights[event] / events.sum;
   }
   return bins;
}

// Weighted linear correlation coefficients; 0 with a variable that is constant in the class.
std::vector<std::vector<double>> Correlations(const Events &events)
{
   const size_t n = events.values.size(), nEvents = events.weights.size();
   std::vector<std::vector<double>> deviations(n), covariance(n, std::vector<double>(n));
   for (size_t i = 0; i < n; ++i) {
      double mean = 0;
      for (size_t event = 0; event < nEvents; ++event)
         mean += events.weights[event] * events.values[i][event] / events.sum;
      for (size_t event = 0; event < nEvents; ++event)
         deviations[i].push_back(events.values[i][event] - mean);
   }
   for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j <= i; ++j) {
         double sum = 0;
         for (size_t event = 0; event < nEvents; ++event)
            sum += events.weights[event] * deviations[i][event] * deviations[j][event];
         covariance[i][j] = covariance[j][i] = sum;
      }
   auto correlations = covariance;
   for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
         correlations[i][j] = covariance[i][i] > 0 && covariance[j][j] > 0
                                 ? covariance[i][j] / std::sqrt(covariance[i][i] * covariance[j][j])
                                 : 0;
   return correlations;
}

void DrawVariables(const std::vector<std::string> &names, std::map<std::string, std::string> originals,
                   const Events &signal, const Events &background, const std::string &line, const char *figures)
{
   const int perPage = 30, n = names.size();
   for (int first = 0; first < n; first += perPage) {
      const int page = first / perPage + 1, last = std::min(first + perPage, n);
      const bench::Grid grid(last - first);
      const std::string note = line + ", share of the class's weights in each of 50 bins, " +
                               "without the outermost 0.5 % of the events at each end";
      const double top = bench::kHeader + 34;
      TCanvas *canvas = bench::Canvas(page == 1 ? "inputs" : Form("inputs_%d", page), grid.CanvasWidth(),
                                      top + grid.rows * grid.height + 10, "Input variables", note);
      bench::WriteArea(*canvas, 82, top - 20, true, "signal");
      bench::WriteArea(*canvas, 222, top - 20, false, "background");
      for (int i = first; i < last; ++i) {
         const auto range = Range({signal.values[i], background.values[i]});
         const auto signalBins = Shares(signal, i, range), backgroundBins = Shares(background, i, range);
         double highest = 0;
         for (const auto *bins : {&signalBins, &backgroundBins})
            for (const bench::Bin &bin : *bins)
               highest = std::max(highest, bin.density);
         const std::string &original = originals[names[i]];
         const bool renamed = !original.empty() && original != names[i];
         grid.Cell(*canvas, i - first, top, "", "", names[i] + (renamed ? " (" + original + ")" : ""), "share per bin");
         bench::Axes(range.first, 0, range.second, 1.08 * highest, 505, 504);
         bench::DrawArea(signalBins, true);
         bench::DrawArea(backgroundBins, false);
         gPad->RedrawAxis();
      }
      bench::Save(*canvas, figures);
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
                const std::vector<std::string> &names, const std::vector<std::vector<double>> &correlations)
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
   for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
         const long percent = std::lround(100 * correlations[i][j]);
         auto box = new TBox(j, n - i - 1, j + 1, n - i);
         box->SetFillColor(CorrelationColour(percent / 100.));
         auto number = new TLatex(j + 0.5, n - i - 0.5, Form("%s%ld", percent < 0 ? minus : "", std::abs(percent)));
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

} // namespace

int inputs(const char *inputFile, const char *figures = "figures")
{
   return bench::Run("inputs.C", [&] {
      bench::TheFooter() = {};
      const auto file = bench::Open(inputFile);
      const auto names = VariableNames(bench::Tree(*file, "TrainS"));
      const Events signal = ReadEvents(bench::Tree(*file, "TrainS"), names);
      const Events background = ReadEvents(bench::Tree(*file, "TrainB"), names);
      const std::string line = Form("%s, training events: signal %zu, background %zu", gSystem->BaseName(inputFile),
                                    signal.weights.size(), background.weights.size());
      DrawVariables(names, OriginalNames(*file), signal, background, line, figures);

      const int n = names.size();
      size_t longest = 0;
      for (const std::string &name : names)
         longest = std::max(longest, name.size());
      const double cell = std::max(34., std::min(100., 560. / n)), labels = 40 + 8.5 * longest, side = n * cell;
      const double width = std::max(1000., 2 * (labels + side) + 60);
      const std::string note = line + ", linear correlation coefficients, weighted, in %";
      const double top = bench::kHeader + 36;
      TCanvas *canvas = bench::Canvas("correlations", width, top + side + labels, "Correlations of the input variables",
                                      note);
      DrawMatrix(*canvas, labels, top, cell, "signal", names, Correlations(signal));
      DrawMatrix(*canvas, 2 * labels + side + 20, top, cell, "background", names, Correlations(background));
      bench::Save(*canvas, figures);
   });
}
