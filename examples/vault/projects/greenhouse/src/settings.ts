/** Everything that I have changed my mind about at least once. */
export interface Settings {
  readonly frostOn: number;
  readonly frostOff: number;
  readonly ventOpens: number;
  readonly ventCloses: number;
  readonly wetEnough: number;
  readonly wateringTimes: readonly number[];
  readonly wateringMinutes: number;
  /** Added to what the sensor reads, in °C; see the note on sensor calibration. */
  readonly offsets: Readonly<Record<"door" | "bench" | "soil", number>>;
}

export const settings: Settings = {
  frostOn: 3,
  frostOff: 4.5,
  ventOpens: 25,
  ventCloses: 21,
  wetEnough: 0.6,
  wateringTimes: [6 * 60 + 30, 19 * 60 + 30],
  wateringMinutes: 4,
  offsets: { door: -0.15, bench: 0.15, soil: -0.65 },
};
