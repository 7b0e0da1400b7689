/** The registry of things of a cloud, here or on AWS, as commands open it. */
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import type { LocalRegistry } from "../../cloud/local/identity/registry.ts";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import type { LocalTarget, Target } from "./target.ts";

/** @throws AwsError, IdentityError, StoreError; whatever `use` throws */
export async function withRegistry<T>(
	target: Target,
	use: (registry: ThingRegistry) => Promise<T>,
): Promise<T> {
	if (target !== "aws") return withLocalRegistry(target, use);
	const { openIotRegistry } = await import("../aws/open-registry.ts");
	const open = await openIotRegistry();
	try {
		return await use(open.registry);
	} finally {
		open.close();
	}
}

export async function withLocalRegistry<T>(
	{ dir }: LocalTarget,
	use: (registry: LocalRegistry) => Promise<T>,
): Promise<T> {
	const [{ openAuthority }, { LocalRegistry }] = await Promise.all([
		import("../../cloud/local/identity/authority.ts"),
		import("../../cloud/local/identity/registry.ts"),
	]);
	const stores = await openStores(dir);
	try {
		return await use(
			new LocalRegistry({
				authority: await openAuthority(dir),
				stores,
				clock: { nowMs: () => Date.now() },
			}),
		);
	} finally {
		await stores.close();
	}
}
