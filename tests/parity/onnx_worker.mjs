// Runs one ONNX file in ONNX Runtime for onnx_parity.py.
//
//   node onnx_worker.mjs MODULES MODEL ROWS COLUMNS OUT        ROWS: float32, row after row, of COLUMNS numbers
//   node onnx_worker.mjs MODULES MODEL TEXTS text OUT          TEXTS: one in each line
//
// OUT becomes JSON: for each output of the model its shape and values. Rows go in 256 at a time.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, model, inputPath, columns, out] = process.argv.slice(2);
const ort = createRequire(`${modules}/`)('onnxruntime-node');
const batch = 256;

function* batches() {
  if (columns === 'text') {
    const texts = readFileSync(inputPath, 'utf8').replace(/\n$/, '').split('\n');
    for (let first = 0; first < texts.length; first += batch) {
      const piece = texts.slice(first, first + batch);
      yield new ort.Tensor('string', piece, [piece.length]);
    }
    return;
  }
  const bytes = readFileSync(inputPath);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const width = Number(columns);
  for (let first = 0; first < values.length; first += batch * width) {
    const piece = values.slice(first, first + batch * width);
    yield new ort.Tensor('float32', piece, [piece.length / width, width]);
  }
}

// Without a byte dot product (AVX2 alone) ONNX Runtime's sums of bytes saturate unless told to be exact; elsewhere this
// changes nothing.
const exact = { session: { x64quantprecision: '1' } };
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, extra: exact });
const outputs = Object.fromEntries(session.outputNames.map((name) => [name, { shape: [], values: [] }]));
for (const input of batches()) {
  const answers = await session.run({ [session.inputNames[0]]: input });
  for (const [name, answer] of Object.entries(answers)) {
    const kept = outputs[name];
    kept.shape = [(kept.shape[0] ?? 0) + Number(answer.dims[0]), ...answer.dims.slice(1).map(Number)];
    for (const value of answer.data) kept.values.push(typeof value === 'bigint' ? Number(value) : value);
  }
}
writeFileSync(out, JSON.stringify(outputs));
