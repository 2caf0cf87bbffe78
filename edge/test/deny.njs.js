// What is appended to edge/deny.js for njs: every token of the corpus, as requests. Its verdicts go into verdicts.json.
import fs from 'fs';

const clock = Date.now;
const corpus = JSON.parse(fs.readFileSync('corpus.json'));

function request(authorization) {
  return { method: 'GET', uri: '/', querystring: {}, headers: { authorization: { value: authorization } }, cookies: {} };
}

async function verdict(sent) {
  const answer = await handler({ version: '1.0', context: { eventType: 'viewer-request' }, viewer: {}, request: sent });
  if (answer === sent) return 'through';
  return answer.statusCode === 401 ? 'refuse' : 'neither';
}

// Milliseconds that so many decisions take, each with all of its look-ups. njs frees nothing: many more of them in one process
// would be slower.
async function took(times) {
  const token = corpus.tokens.find((it) => it.name === 'list of user-but-this');
  const sent = request('Bearer ' + token.parts.join('.'));
  Date.now = () => corpus.now * 1000;
  cf.put(corpus.lists[token.list]);
  const began = clock();
  for (let i = 0; i < times; i += 1) {
    await verdict(sent);
  }
  return clock() - began;
}

async function main() {
  const milliseconds = await took(250);

  const verdicts = {};
  const broken = {};
  let most = 0;
  for (let i = 0; i < corpus.tokens.length; i += 1) {
    const it = corpus.tokens[i];
    Date.now = () => (it.at === undefined ? corpus.now : it.at) * 1000;
    cf.put(corpus.lists[it.list || 'nothing']);
    cf.lookUps();
    verdicts[it.name] = await verdict(request('Bearer ' + it.parts.join('.')));
    most = Math.max(most, cf.lookUps());
    cf.breakDown(true);
    broken[it.name] = await verdict(request('Bearer ' + it.parts.join('.')));
    cf.breakDown(false);
  }
  const good = corpus.tokens[0].parts.join('.');
  Date.now = () => (corpus.now + 1000) * 1000;
  const expired = {};
  const sent = {
    bearer: request('Bearer ' + good),
    'bearer in lower case': request('bearer  ' + good),
    dpop: request('DPoP ' + good),
    basic: request('Basic dXNlcjpwYXNz'),
    'two headers': request('Bearer ' + good),
    'no header': request(''),
    preflight: request('Bearer ' + good)
  };
  sent['two headers'].headers.authorization.multiValue = [{ value: 'Bearer ' + good }, { value: 'Bearer x' }];
  sent['no header'].headers = {};
  sent.preflight.method = 'OPTIONS';
  const names = Object.keys(sent);
  for (let i = 0; i < names.length; i += 1) {
    expired[names[i]] = await verdict(sent[names[i]]);
  }
  const found = { verdicts: verdicts, broken: broken, expired: expired, most: most, refusal: REFUSED, took: milliseconds / 250 };
  fs.writeFileSync('verdicts.json', JSON.stringify(found));
}

main();
