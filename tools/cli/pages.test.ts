import assert from "node:assert/strict";
import { gather, rowsOf } from "./pages.ts";

describe("rows of a list", () => {
	it("are read until there are enough, or no more", async () => {
		const asked: string[] = [];
		const api = {
			async get(path: string): Promise<Response> {
				asked.push(path);
				const query = new URL(path, "http://x").searchParams;
				const from = Number(query.get("cursor") ?? 0);
				const count = Math.min(Number(query.get("limit")), 1200 - from);
				const rows = Array.from({ length: count }, (_, n) => from + n);
				const next = from + count < 1200 ? String(from + count) : null;
				return Response.json({ rows, next });
			},
		};
		for (const limit of [7, 500, 900, 5000]) {
			const rows = await gather(
				rowsOf<number>(api, "/v1/crashes", "rows", limit, {
					reason: "crash",
					firmware: undefined,
				}),
			);
			assert.deepEqual(
				rows,
				Array.from({ length: Math.min(limit, 1200) }, (_, n) => n),
			);
		}
		assert.deepEqual(asked.slice(0, 4), [
			"/v1/crashes?limit=7&reason=crash",
			"/v1/crashes?limit=500&reason=crash",
			"/v1/crashes?limit=500&reason=crash",
			"/v1/crashes?limit=400&reason=crash&cursor=500",
		]);
	});
});
