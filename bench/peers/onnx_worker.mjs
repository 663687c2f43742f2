// Answers for ONNX Runtime (worker.py), as torch_worker.py does for PyTorch.
//
//   node onnx_worker.mjs MODULES FOLDER THREADS COLUMNS     MODULES holds node_modules; FOLDER the models and rows
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [modules, folder, threads, columns] = process.argv.slice(2);
const ort = createRequire(`${modules}/`)('onnxruntime-node');
const inputs = Number(columns);
const forms = ['f32', 'int8', 'int4', 'empty'];
const rotated = 64; // calls with different rows, as in torch_worker.py

function read(name, type) {
  const bytes = readFileSync(`${folder}/rows.${name}`);
  return new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
const rows = { starts: read('starts', Int32Array), columns: read('columns', Int32Array), values: read('values', Float32Array) };
const rowCount = rows.starts.length - 1;

function denseInput(first, count) {
  const values = new Float32Array(count * inputs);
  for (let row = 0; row < count; row++) {
    for (let at = rows.starts[first + row]; at < rows.starts[first + row + 1]; at++) {
      values[row * inputs + rows.columns[at]] = rows.values[at];
    }
  }
  return { input: new ort.Tensor('float32', values, [count, inputs]) };
}

function inputsOf(form, batch) {
  if (form === 'empty') return [{ input: new ort.Tensor('float32', new Float32Array(1), [1, 1]) }];
  const count = Math.max(1, Math.min(rotated, Math.floor(rowCount / batch)));
  return Array.from({ length: count }, (_, place) => denseInput(place * batch, batch));
}

async function medianUs(session, given, seconds) {
  for (let call = 0; call < 3; call++) await session.run(given[call % given.length]);
  const times = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length < 5) {
    const start = performance.now();
    await session.run(given[times.length % given.length]);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] * 1000;
}

function argmaxes(logits) {
  const [count, classes] = logits.dims;
  return Array.from({ length: count }, (_, row) => {
    const values = logits.data.subarray(row * classes, (row + 1) * classes);
    return values.indexOf(Math.max(...values));
  });
}

async function labels(session) {
  const found = [];
  for (let first = 0; first < rowCount; first += 256) {
    const answer = await session.run(denseInput(first, Math.min(256, rowCount - first)));
    found.push(...argmaxes(answer[session.outputNames[0]]));
  }
  return found;
}

const sessions = {};
for (const form of forms) {
  const settings = { intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all' };
  sessions[form] = await ort.InferenceSession.create(`${folder}/${form}.onnx`, settings);
}
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  const session = sessions[question.form];
  let answer = { forms };
  if (session && question.labels) answer = { labels: await labels(session) };
  else if (session) answer = { us: await medianUs(session, inputsOf(question.form, question.batch), question.seconds) };
  console.log(JSON.stringify(answer));
}
