import { runtimeContract } from "../api/contracts/runtime.ts";
import { startHttp } from "./http.ts";

runtimeContract("Node", async (app) => {
	const server = await startHttp({
		app,
		webDir: null,
		host: "127.0.0.1",
		port: 0,
	});
	return {
		url: server.url,
		fetch: (request) => fetch(request),
		close: () => server.close(),
	};
});
