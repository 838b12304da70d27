import { expect, test } from "vitest";
import type { DenseLeg, DenseOptions } from "./dense-leg.ts";
import { createTraffic, inTraffic, makeWay } from "./traffic.ts";

function createLeg(answer: "slow" | "down" | undefined) {
  const asked: DenseOptions[] = [];
  const leg: DenseLeg = {
    async nearest(_query, options) {
      asked.push(options);
      return answer ? { cold: answer } : { neighbors: [], model: "m" };
    },
    stop() {},
  };
  return { asked, leg };
}

const options = { k: 3, allows: () => true };

test("behind a batch of documents a query does not wait for its vector, and says that the endpoint is busy", async () => {
  const traffic = createTraffic();
  const { working } = makeWay(traffic);
  const { asked, leg } = createLeg("slow");
  const dense = inTraffic(leg, traffic);
  expect(await dense.nearest("duck", options)).toEqual({ cold: "slow" });
  working(1);
  expect(await dense.nearest("duck", options)).toEqual({ cold: "busy" });
  working(-1);
  await dense.nearest("duck", options);
  expect(asked.map(({ queryMs }) => queryMs)).toEqual([undefined, 0, undefined]);
});

test("other reasons stay what they are, and a remembered vector is used", async () => {
  const traffic = createTraffic();
  makeWay(traffic).working(1);
  expect(await inTraffic(createLeg("down").leg, traffic).nearest("duck", options)).toEqual({ cold: "down" });
  expect(await inTraffic(createLeg(undefined).leg, traffic).nearest("duck", options)).toMatchObject({ model: "m" });
});

test("queries that run are told to embedding, also when they fail", async () => {
  const traffic = createTraffic();
  const { busy } = makeWay(traffic);
  const seen: boolean[] = [];
  const leg: DenseLeg = {
    async nearest() {
      seen.push(busy());
      throw new Error("ended");
    },
    stop() {},
  };
  await expect(inTraffic(leg, traffic).nearest("duck", options)).rejects.toThrow("ended");
  expect([...seen, busy()]).toEqual([true, false]);
});
