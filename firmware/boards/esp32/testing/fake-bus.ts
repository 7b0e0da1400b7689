/** An I²C bus that keeps what the SDK's keeps: no address is opened twice (`_xs_i2c_constructor`), closing twice is harmless. */
import type { BusOptions } from "../sensors/i2c-sensor.ts";

export class FakeBus {
	static open: FakeBus[] = [];
	readonly options: BusOptions;

	constructor(options: BusOptions) {
		const { data, clock, address, hz } = options;
		if (
			FakeBus.open.some(
				({ options: other }) =>
					other.address === address &&
					other.data === data &&
					other.clock === clock,
			)
		)
			throw new RangeError("duplicate address");
		this.options = { data, clock, address, hz };
		FakeBus.open.push(this);
	}

	close(): void {
		FakeBus.open = FakeBus.open.filter((other) => other !== this);
	}
}

export function resetBuses(): void {
	FakeBus.open = [];
}
