import assert from "node:assert/strict";
import fc from "fast-check";
import { WeatherReplay } from "./weather.ts";

const HOUR_MS = 3_600_000;
const FIRST = Date.UTC(2010, 0, 1, 1);
const wallTime = fc.integer({ min: 0, max: Date.UTC(2100) });

describe("The replay of recorded weather", () => {
	it("gives the recorded rows at the hours", () => {
		const replay = new WeatherReplay({ noiseCounts: 0 });
		assert.deepEqual(replay.at(FIRST), {
			temperature: 400,
			pressure: 101_660,
			wind: 380,
		});
		assert.deepEqual(replay.at(FIRST + HOUR_MS), {
			temperature: 390,
			pressure: 101_660,
			wind: 380,
		});
	});

	it("goes straight from one hour to the next", () => {
		const replay = new WeatherReplay({ noiseCounts: 0 });
		assert.equal(replay.at(FIRST + HOUR_MS / 2).temperature, 395);
	});

	it("gives the same for the same moment and seed, however often it is asked", () => {
		fc.assert(
			fc.property(wallTime, fc.nat(), (wallMs, seed) => {
				const once = new WeatherReplay({ seed }).at(wallMs);
				assert.deepEqual(new WeatherReplay({ seed }).at(wallMs), once);
			}),
		);
	});

	it("adds noise of no more than it was told, that comes to all its values", () => {
		const plain = new WeatherReplay({ noiseCounts: 0 });
		const noisy = new WeatherReplay({ noiseCounts: 2, seed: 3 });
		const seen = new Map<number, number>();
		for (let s = 0; s < 5000; s++) {
			const at = FIRST + s * 1000;
			const noise = noisy.at(at).temperature - plain.at(at).temperature;
			seen.set(noise, (seen.get(noise) ?? 0) + 1);
		}
		assert.deepEqual(
			[...seen.keys()].sort((a, b) => a - b),
			[-2, -1, 0, 1, 2],
		);
		for (const count of seen.values()) assert.ok(count > 850 && count < 1150);
	});

	it("differs from channel to channel, node to node and second to second", () => {
		const noise = (seed: number, name: "temperature" | "wind") =>
			Array.from({ length: 50 }, (_, s) => {
				const at = FIRST + s * 1000;
				return (
					new WeatherReplay({ seed }).at(at)[name] -
					new WeatherReplay({ noiseCounts: 0 }).at(at)[name]
				);
			});
		assert.notDeepEqual(noise(1, "temperature"), noise(2, "temperature"));
		assert.notDeepEqual(noise(1, "temperature"), noise(1, "wind"));
	});

	it("is shifted by its offset", () => {
		const shifted = new WeatherReplay({ noiseCounts: 0, offsetHours: 100 });
		const plain = new WeatherReplay({ noiseCounts: 0 });
		assert.deepEqual(shifted.at(FIRST), plain.at(FIRST + 100 * HOUR_MS));
	});

	it("stays within what Seattle has seen, in any year", () => {
		fc.assert(
			fc.property(wallTime, (wallMs) => {
				const { temperature, pressure, wind } = new WeatherReplay().at(wallMs);
				assert.ok(temperature > -1000 && temperature < 4000);
				assert.ok(pressure > 95_000 && pressure < 106_000);
				assert.ok(wind > 0 && wind < 3000);
			}),
		);
	});
});
