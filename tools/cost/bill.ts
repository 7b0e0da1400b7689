/** Adds up what a fleet takes of a cloud's services in a month, at the prices of `prices.json`. */
import file from "./prices.json" with { type: "json" };

export type PriceName = keyof typeof file.prices;

interface Price {
	readonly usd: number;
	readonly per: string;
	readonly source: string;
	/** When it was last read, and whether at its source. */
	readonly checked: string;
}

export const PRICES: {
	readonly region: string;
	readonly date: string;
	readonly prices: Readonly<Record<PriceName, Price>>;
	readonly freeTiers: Readonly<
		Partial<
			Record<PriceName, { readonly amount: number; readonly source: string }>
		>
	>;
} = file;

/** One thing that is paid for. */
export interface BillLine {
	/** As on AWS's bill: "DynamoDB". */
	readonly service: string;
	/** "a block's item". */
	readonly what: string;
	readonly price: PriceName;
	/** Of the whole fleet in a month, in the price's unit. */
	readonly quantity: number;
	readonly usd: number;
}

export class Bill {
	readonly lines: BillLine[] = [];

	/** @param quantity of the whole fleet in a month */
	add(service: string, what: string, price: PriceName, quantity: number): void {
		if (quantity === 0) return;
		const usd = quantity * PRICES.prices[price].usd;
		this.lines.push({ service, what, price, quantity, usd });
	}

	/** Dollars a month, all of it. */
	totalUsd(): number {
		return this.lines.reduce((sum, { usd }) => sum + usd, 0);
	}

	/** Dollars a month by service, the dearest first. */
	byService(): ReadonlyMap<string, number> {
		const sums = new Map<string, number>();
		for (const { service, usd } of this.lines) {
			sums.set(service, (sums.get(service) ?? 0) + usd);
		}
		return new Map([...sums].sort(([, a], [, b]) => b - a));
	}

	/** The lines of one service, the dearest first. */
	of(service: string): readonly BillLine[] {
		return this.lines
			.filter((line) => line.service === service)
			.sort((a, b) => b.usd - a.usd);
	}

	/** What an account that runs nothing else does not pay of it, because the first units of a month are free. */
	freeUsd(): number {
		const used = new Map<PriceName, number>();
		for (const { price, quantity } of this.lines) {
			used.set(price, (used.get(price) ?? 0) + quantity);
		}
		let sum = 0;
		for (const [price, quantity] of used) {
			const free = PRICES.freeTiers[price]?.amount ?? 0;
			sum += Math.min(free, quantity) * PRICES.prices[price].usd;
		}
		return sum;
	}
}
