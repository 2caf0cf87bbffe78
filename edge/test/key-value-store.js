// A stand-in for CloudFront Functions' module `cloudfront`, which refuses what the real one refuses. It runs in njs, too.
let entries = {};
let isBroken = false;
let lookUps = 0;

async function look(key) {
  lookUps += 1;
  if (isBroken) throw new Error('the store is gone');
  if (typeof key !== 'string' || key === '' || Buffer.from(key).length > 512) throw new TypeError('no key: ' + String(key));
  return Object.prototype.hasOwnProperty.call(entries, key);
}

const handle = {
  exists: async function (key) {
    const found = await look(key);
    return found;
  },
  get: async function (key, options) {
    if (options !== undefined && options.format !== 'string') throw new TypeError('only strings are kept');
    const found = await look(key);
    if (!found) throw new Error('KeyNotFound');
    return entries[key];
  }
};

export default {
  kvs: function () {
    return handle;
  },
  // For tests alone.
  put: function (list) {
    let bytes = 0;
    Object.keys(list).forEach((key) => {
      if (Buffer.from(list[key]).length > 1024) throw new Error('a value has more than 1 KB: ' + key);
      bytes += Buffer.from(key).length + Buffer.from(list[key]).length;
    });
    if (bytes > 5 * 1024 * 1024) throw new Error('the store has more than 5 MB');
    entries = list;
  },
  breakDown: function (is) {
    isBroken = is;
  },
  lookUps: function () {
    const count = lookUps;
    lookUps = 0;
    return count;
  }
};
