#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "layer.h"

namespace nibble::peers {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// Fills row-major memory of T with value(row, column).
template <typename T, typename Value>
void fill(dnnl::memory& memory, std::size_t rows, std::size_t columns, Value value) {
  auto* to = static_cast<T*>(memory.get_data_handle());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) *to++ = static_cast<T>(value(r, c));
  }
}

struct Operands {
  Shape shape;
  bool bytes = false;
  Type result_type = Type::f32;
  dnnl::engine engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream = dnnl::stream(engine);
  dnnl::memory x, w, bias, y;
  dnnl::matmul product;

  dnnl::memory::dim rows() const { return static_cast<dnnl::memory::dim>(shape.rows); }
  dnnl::memory::dim inputs() const { return static_cast<dnnl::memory::dim>(shape.inputs); }
  dnnl::memory::dim outputs() const { return static_cast<dnnl::memory::dim>(shape.outputs); }
  Type x_type() const { return bytes ? Type::u8 : Type::f32; }
  Type w_type() const { return bytes ? Type::s8 : Type::f32; }

  double result(std::size_t row, std::size_t output) const {
    const std::size_t place = row * shape.outputs + output;
    const void* data = y.get_data_handle();
    if (result_type == Type::s32) return static_cast<const std::int32_t*>(data)[place];
    return static_cast<const float*>(data)[place];
  }
};

void make_operands(Operands& all) {
  all.x = dnnl::memory({{all.rows(), all.inputs()}, all.x_type(), Tag::ab}, all.engine);
  all.w = dnnl::memory({{all.inputs(), all.outputs()}, all.w_type(), Tag::ab}, all.engine);
  all.bias = dnnl::memory({{1, all.outputs()}, Type::f32, Tag::ab}, all.engine);
  all.y = dnnl::memory({{all.rows(), all.outputs()}, all.result_type, Tag::ab}, all.engine);
  const Shape& shape = all.shape;
  if (all.bytes) {
    fill<std::uint8_t>(all.x, shape.rows, shape.inputs, x_at);
    fill<std::int8_t>(all.w, shape.inputs, shape.outputs, w_at);
  } else {
    fill<float>(all.x, shape.rows, shape.inputs, x_at);
    fill<float>(all.w, shape.inputs, shape.outputs, w_at);
  }
  fill<float>(all.bias, 1, shape.outputs, [](std::size_t, std::size_t) { return 0; });
}

// A scale for each output, and ReLU.
dnnl::primitive_attr finish_of(const Operands& all) {
  dnnl::primitive_attr attributes;
  if (all.bytes) attributes.set_output_scales(2, std::vector<float>(all.shape.outputs, 1.0F));
  dnnl::post_ops after;
  after.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  attributes.set_post_ops(after);
  return attributes;
}

// The weights in the layout that oneDNN likes best for this shape.
void prepack(Operands& all, const dnnl::matmul::primitive_desc& chosen) {
  dnnl::memory packed(chosen.weights_desc(), all.engine);
  dnnl::reorder(all.w, packed).execute(all.stream, all.w, packed);
  all.stream.wait();
  all.w = packed;
  all.product = dnnl::matmul(chosen);
}

void prepare_matmul(Operands& all, bool fused) {
  const dnnl::memory::desc any({all.inputs(), all.outputs()}, all.w_type(), Tag::any);
  if (fused) {
    const dnnl::matmul::desc wanted(all.x.get_desc(), any, all.bias.get_desc(), all.y.get_desc());
    prepack(all, {wanted, finish_of(all), all.engine});
  } else {
    const dnnl::matmul::desc wanted(all.x.get_desc(), any, all.y.get_desc());
    prepack(all, {wanted, all.engine});
  }
}

std::function<void()> matmul_call(const std::shared_ptr<Operands>& all, bool fused) {
  prepare_matmul(*all, fused);
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, all->x}, {DNNL_ARG_WEIGHTS, all->w}, {DNNL_ARG_DST, all->y}};
  if (fused) arguments.emplace(DNNL_ARG_BIAS, all->bias);
  return [all, arguments] {
    all->product.execute(all->stream, arguments);
    all->stream.wait();
  };
}

void gemm(Operands& all) {
  const void* x = all.x.get_data_handle();
  const void* w = all.w.get_data_handle();
  void* y = all.y.get_data_handle();
  if (!all.bytes) {
    dnnl::sgemm('N', 'N', all.rows(), all.outputs(), all.inputs(), 1.0F,
                static_cast<const float*>(x), all.inputs(), static_cast<const float*>(w),
                all.outputs(), 0.0F, static_cast<float*>(y), all.outputs());
    return;
  }
  const std::int32_t zero = 0;
  dnnl::gemm_u8s8s32('N', 'N', 'F', all.rows(), all.outputs(), all.inputs(), 1.0F,
                     static_cast<const std::uint8_t*>(x), all.inputs(), 0,
                     static_cast<const std::int8_t*>(w), all.outputs(), 0, 0.0F,
                     static_cast<std::int32_t*>(y), all.outputs(), &zero);
}

}  // namespace

Layer onednn_layer(const std::string& type, const Shape& shape, const std::string& form) {
  if (type != "f32" && type != "int8")
    throw std::invalid_argument("oneDNN has no layer of type " + type);
  auto all = std::make_shared<Operands>();
  all->shape = shape;
  all->bytes = type == "int8";
  const bool fused = form == "fused";
  all->result_type = all->bytes && !fused ? Type::s32 : Type::f32;
  make_operands(*all);
  Layer layer;
  if (form == "gemm") {
    layer.call = [all] { gemm(*all); };
  } else {
    layer.call = matmul_call(all, fused);
  }
  layer.result = [all](std::size_t row, std::size_t output) { return all->result(row, output); };
  layer.relu = fused;
  return layer;
}

}  // namespace nibble::peers
