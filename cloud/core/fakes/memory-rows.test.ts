import { rowStoreContract } from "../contracts/row-store.ts";
import { memoryRows } from "./memory-rows.ts";

rowStoreContract("memory", async () => {
	const store = memoryRows();
	store.refuses = ({ timeMs }) => timeMs === 5;
	return {
		store,
		rows: async (thing) => store.rows(thing),
		refusedMs: 5,
		async takeDown() {
			store.failing = true;
		},
	};
});
