import { shadowRegistryContract } from "../contracts/shadow-registry.ts";
import { MemoryShadows } from "../fakes/memory-shadows.ts";
import { Shadows } from "./shadows.ts";

shadowRegistryContract(
	"this cloud",
	async () =>
		new Shadows({
			store: new MemoryShadows(),
			clock: { nowMs: () => Date.now() },
			sender: { send: async () => undefined },
		}),
);
