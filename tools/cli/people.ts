/** The people of a cloud, here or on AWS, as commands open them. */
import { People } from "../../cloud/local/people.ts";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import type { OpenPeople } from "../aws/open-people.ts";
import { assertDataFolder } from "./api-client.ts";
import type { LocalTarget } from "./target.ts";

/**
 * Works on the stores themselves, as provisioning does; a cloud that runs asks them at each request.
 * @throws CommandError when there is no data folder
 */
export async function withLocalPeople<T>(
	target: LocalTarget,
	use: (people: People) => Promise<T>,
): Promise<T> {
	assertDataFolder(target);
	const stores = await openStores(target.dir);
	try {
		return await use(new People(stores, { nowMs: () => Date.now() }));
	} finally {
		await stores.close();
	}
}

/** @throws AwsError, PeopleError, StoreError */
export async function withCognitoPeople<T>(
	use: (open: OpenPeople) => Promise<T>,
): Promise<T> {
	const { openCognitoPeople } = await import("../aws/open-people.ts");
	const open = await openCognitoPeople();
	try {
		return await use(open);
	} finally {
		open.close();
	}
}
