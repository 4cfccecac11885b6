// A miner owner's life through polkadot.js; run by test_official.py. Prints JSON.
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const url = process.argv[2];
const provider = new WsProvider(url, false);
await provider.connect();
const api = await ApiPromise.create({ provider, noInitWarn: true });
const ring = new Keyring({ type: 'sr25519', ss58Format: 42 });
const cold = ring.addFromUri('bottom drive obey lake curtain smoke basket hold race lonely fit walk');
const hot = ring.addFromUri('abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about');
const info = await provider.send('sandbox_info', []);
await provider.send('sandbox_fund', [cold.address, 500000000000]);

function sent(call, who) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('not finalised')), 15000);
    call.signAndSend(who, ({ status, dispatchError }) => {
      if (dispatchError) {
        clearTimeout(late);
        const known = dispatchError.isModule ? api.registry.findMetaError(dispatchError.asModule).name : dispatchError.toString();
        resolve(known);
      } else if (status.isFinalized) {
        clearTimeout(late);
        resolve('ok');
      }
    }).catch(reject);
  });
}

let free = 0n;
while (free === 0n) {
  free = (await api.query.system.account(cold.address)).data.free.toBigInt();
  await new Promise((next) => setTimeout(next, 200));
}
const { subtensorModule: sub, balances } = api.tx;
const validator = info.validators[0];
const steps = {
  transfer: await sent(balances.transferKeepAlive(hot.address, 1000000000n), cold),
  register: await sent(sub.burnedRegister(1, hot.address), cold),
  again: await sent(sub.burnedRegister(1, hot.address), cold),
  serve: await sent(sub.serveAxon(1, 1, 0x08080808, 8091, 4, 4, 0, 0), hot),
  stake: await sent(sub.addStake(validator, 1, 10000000000n), cold),
  unstake: await sent(sub.removeStake(validator, 1, 20000000000n), cold),
  tooMuch: await sent(sub.addStake(validator, 1, 10000000000000n), cold),
};
const uid = (await api.query.subtensorModule.uids(1, hot.address)).toJSON();
const axon = (await api.query.subtensorModule.axons(1, hot.address)).toJSON();
const keys = await api.query.subtensorModule.keys.entries(1);
const graph = (await api.call.subnetInfoRuntimeApi.getMetagraph(1)).unwrap();
const price = (await api.call.swapRuntimeApi.currentAlphaPrice(1)).toString();
const fee = (await balances.transferKeepAlive(hot.address, 1n).paymentInfo(cold)).partialFee.toString();
const heads = await new Promise(async (resolve) => {
  let seen = 0;
  const stop = await api.rpc.chain.subscribeNewHeads(() => { if (++seen === 3) { stop(); resolve(seen); } });
});
console.log(JSON.stringify({ steps, uid, axonPort: axon.port, seats: keys.length, uids: graph.numUids.toNumber(),
  last: graph.hotkeys[uid].toString() === hot.address, price, fee, heads }));
await api.disconnect();
