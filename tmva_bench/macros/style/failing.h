// How a macro ends: one line on stderr and a value that ROOT gives on as its exit code.
#ifndef TMVA_BENCH_FAILING_H
#define TMVA_BENCH_FAILING_H

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace bench {

// Runs the body of a macro. What it throws becomes one line on stderr and the macro's value 1, which
// `root -b -q` gives on as its exit code.
template <typename Body>
int Run(const std::string &macro, Body body)
{
   try {
      body();
      return 0;
   } catch (const std::exception &error) {
      std::cerr << macro << ": " << error.what() << std::endl;
      return 1;
   }
}

[[noreturn]] inline void Fail(const std::string &line)
{
   throw std::runtime_error(line);
}

} // namespace bench

#endif
