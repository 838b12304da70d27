import type { Settings } from "./settings.ts";

/** What the sensors say. Temperatures in °C, moisture from 0 (dry) to 1 (wet). */
export interface Reading {
  readonly airTemperature: number;
  readonly soilMoisture: number;
  /** Minutes since midnight. */
  readonly minuteOfDay: number;
}

/** What is switched on. */
export interface Outputs {
  readonly heater: boolean;
  readonly ventOpen: boolean;
  readonly pump: boolean;
}

/** Decides what to switch, from what is measured and what is on now. Between two thresholds everything stays as it is. */
export function decide(reading: Reading, now: Outputs, settings: Settings): Outputs {
  return {
    heater: hysteresis(-reading.airTemperature, now.heater, -settings.frostOn, -settings.frostOff),
    ventOpen: hysteresis(reading.airTemperature, now.ventOpen, settings.ventOpens, settings.ventCloses),
    pump: shouldWater(reading, settings),
  };
}

function hysteresis(value: number, isOn: boolean, on: number, off: number): boolean {
  if (value >= on) return true;
  if (value <= off) return false;
  return isOn;
}

function shouldWater({ soilMoisture, minuteOfDay }: Reading, settings: Settings): boolean {
  if (soilMoisture >= settings.wetEnough) return false;
  return settings.wateringTimes.some((start) => minuteOfDay >= start && minuteOfDay < start + settings.wateringMinutes);
}
