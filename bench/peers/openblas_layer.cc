#include <memory>
#include <vector>

#include <cblas.h>

#include "layer.h"

namespace nibble::peers {
namespace {

struct Operands {
  Shape shape;
  std::vector<float> x;
  std::vector<float> w;
  std::vector<float> y;
};

void multiply(Operands& all) {
  const auto [rows, inputs, outputs] = all.shape;
  const auto m = static_cast<int>(rows);
  const auto k = static_cast<int>(inputs);
  const auto n = static_cast<int>(outputs);
  if (m == 1) {
    cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1.0F, all.w.data(), n, all.x.data(), 1, 0.0F,
                all.y.data(), 1);
    return;
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0F, all.x.data(), k,
              all.w.data(), n, 0.0F, all.y.data(), n);
}

}  // namespace

Layer openblas_layer(const Shape& shape) {
  auto all = std::make_shared<Operands>();
  all->shape = shape;
  for (std::size_t r = 0; r < shape.rows; ++r) {
    for (std::size_t i = 0; i < shape.inputs; ++i) all->x.push_back(static_cast<float>(x_at(r, i)));
  }
  for (std::size_t i = 0; i < shape.inputs; ++i) {
    for (std::size_t o = 0; o < shape.outputs; ++o)
      all->w.push_back(static_cast<float>(w_at(i, o)));
  }
  all->y.resize(shape.rows * shape.outputs);
  return {[all] { multiply(*all); },
          [all](std::size_t row, std::size_t output) {
            return static_cast<double>(all->y[row * all->shape.outputs + output]);
          },
          false};
}

}  // namespace nibble::peers
