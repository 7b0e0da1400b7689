/**
 * Code lengths for a table of token counts (Huffman 1952), and the canonical codes that follow from lengths
 * (RFC 1951, section 3.2.2).
 */
import { MAX_CODE_BITS, TOKENS } from "./format.ts";

/** One piece of memory: each piece takes 100 bytes of a node's heap for itself. */
class Workspace {
	readonly weights: Int32Array;
	readonly shares: Int32Array;
	readonly parents: Uint8Array;
	readonly depths: Uint8Array;
	readonly order: Uint8Array;

	constructor() {
		const memory = new ArrayBuffer(17 * TOKENS);
		this.weights = new Int32Array(memory, 0, 2 * TOKENS);
		this.shares = new Int32Array(memory, 8 * TOKENS, TOKENS);
		this.parents = new Uint8Array(memory, 12 * TOKENS, 2 * TOKENS);
		this.depths = new Uint8Array(memory, 14 * TOKENS, 2 * TOKENS);
		this.order = new Uint8Array(memory, 16 * TOKENS, TOKENS);
	}
}

// Kept between calls, so that a node's heap sees no garbage from it. Made at the first one: what a module makes when it is
// loaded lies in flash on a node that preloads it, where nothing can be written.
let workspace: Workspace | undefined;

/**
 * Works out the length of each token's code.
 * @param counts how often each token occurs
 * @param lengths receives 0 for tokens that do not occur (and for one that occurs alone)
 * @returns how many tokens occur
 */
export function codeLengths(counts: Int32Array, lengths: Uint8Array): number {
	workspace ??= new Workspace();
	const { shares, order, depths } = workspace;
	lengths.fill(0);
	shares.set(counts);
	for (;;) {
		const used = sortByCount(workspace);
		if (used < 2) return used;
		if (buildTree(workspace, used) <= MAX_CODE_BITS) {
			for (let leaf = 0; leaf < used; leaf++)
				lengths[order[leaf] as number] = depths[leaf] as number;
			return used;
		}
		// Evening the counts out makes the tree shallower; at the latest when all are equal it is shallow enough.
		for (let token = 0; token < TOKENS; token++)
			shares[token] = ((shares[token] as number) + 1) >> 1;
	}
}

/** Puts the tokens that occur into `order`, rarest first. */
function sortByCount({ shares: counts, order }: Workspace): number {
	let used = 0;
	for (let token = 0; token < TOKENS; token++) {
		const count = counts[token] as number;
		if (count === 0) continue;
		let at = used++;
		for (; at > 0; at--) {
			const before = order[at - 1] as number;
			if ((counts[before] as number) <= count) break;
			order[at] = before;
		}
		order[at] = token;
	}
	return used;
}

/** Joins the two rarest until one is left. Leaves come sorted and joints arise sorted: two queues suffice. */
function buildTree(
	{ shares: counts, order, weights, parents, depths }: Workspace,
	used: number,
): number {
	for (let leaf = 0; leaf < used; leaf++)
		weights[leaf] = counts[order[leaf] as number] as number;
	let leaf = 0;
	let joint = used;
	const root = 2 * used - 2;
	for (let made = used; made <= root; made++) {
		let weight = 0;
		for (let child = 0; child < 2; child++) {
			const takeLeaf =
				leaf < used &&
				(joint >= made ||
					(weights[leaf] as number) <= (weights[joint] as number));
			const node = takeLeaf ? leaf++ : joint++;
			weight += weights[node] as number;
			parents[node] = made;
		}
		weights[made] = weight;
	}
	depths[root] = 0;
	let deepest = 0;
	for (let node = root - 1; node >= 0; node--) {
		const depth = (depths[parents[node] as number] as number) + 1;
		depths[node] = depth;
		if (depth > deepest) deepest = depth;
	}
	return deepest;
}

/** Canonical codes: shorter ones first, among equals the lower token first. */
export function canonicalCodes(lengths: Uint8Array, codes: Uint16Array): void {
	let code = 0;
	for (let length = 1; length <= MAX_CODE_BITS; length++) {
		for (let token = 0; token < TOKENS; token++)
			if (lengths[token] === length) codes[token] = code++;
		code <<= 1;
	}
}
