# shellcheck shell=bash disable=SC2034 # the lists are used by the scripts that source this file
# What bench/peers/run and bench/training/run share: Debian packages, the build, ONNX Runtime. Sourced from the root
# folder, after tools/setup.sh.

python_packages=(python3 python3-numpy python3-scipy python3-sklearn python3-torch libopenblas0-pthread)
# libdnnl-dev only recommends the OpenCL that its CMake file insists on.
peer_packages=("${python_packages[@]}" fasttext python3-onnx libdnnl-dev ocl-icd-opencl-dev libopenblas-dev)
training_packages=("${python_packages[@]}" fasttext)
onnxruntime="onnxruntime-node@1.30.0"

# NodeSource's nodejs brings an npm of its own and does not go with Debian's.
require_node() {
  command -v node > /dev/null || require_packages nodejs
  command -v npm > /dev/null || require_packages npm
}

# The compiled code comes inside the package; its install script would only fetch code for GPUs.
require_onnxruntime() {
  local folder=$1
  [[ -d $folder/node_modules/onnxruntime-node ]] && return
  say "Installing $onnxruntime into $folder"
  mkdir -p "$folder"
  if ! npm install --ignore-scripts --no-audit --no-fund --prefix "$folder" "$onnxruntime" >&2; then
    say "npm could not install $onnxruntime (its reason stands above); --without onnx measures the other peers."
    exit 2
  fi
}

# build_layers FOLDER: the C++ program that times oneDNN and OpenBLAS beside nibble's kernels.
build_layers() {
  cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DNIBBLE_TESTS=OFF -DNIBBLE_BENCH=ON > /dev/null
  cmake --build "$1" --target layer_peers | sed -u '/no work to do/d; /Re-checking globbed/d' >&2
}

# The program itself, unless NIBBLE names one.
build_nibble() {
  [[ -n ${NIBBLE:-} ]] && return
  configure release OFF
  build release nibble
}
