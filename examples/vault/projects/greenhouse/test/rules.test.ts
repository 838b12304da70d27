import assert from "node:assert/strict";
import { test } from "node:test";
import { decide, type Outputs } from "../src/rules.ts";
import { settings } from "../src/settings.ts";

const off: Outputs = { heater: false, ventOpen: false, pump: false };
const noon = { soilMoisture: 0.8, minuteOfDay: 720 };

test("the heater comes on before frost and stays on until it is safely gone", () => {
  const cold = decide({ ...noon, airTemperature: 2.9 }, off, settings);
  assert.equal(cold.heater, true);
  assert.equal(decide({ ...noon, airTemperature: 4 }, cold, settings).heater, true);
  assert.equal(decide({ ...noon, airTemperature: 4.6 }, cold, settings).heater, false);
});

test("wet soil is not watered", () => {
  const morning = { airTemperature: 12, minuteOfDay: 391 };
  assert.equal(decide({ ...morning, soilMoisture: 0.2 }, off, settings).pump, true);
  assert.equal(decide({ ...morning, soilMoisture: 0.7 }, off, settings).pump, false);
});
