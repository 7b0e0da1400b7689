/** Whether a device that a list is asked of exists, where the list alone cannot tell: an empty one may be of a name with a typing error. */
import type { ApiClient } from "./api-client.ts";

/**
 * @param device undefined where the list is of all
 * @throws ApiProblem unknown_device
 */
export async function assertKnown(
	api: Pick<ApiClient, "get">,
	device: string | undefined,
): Promise<void> {
	if (device !== undefined) await api.get(`/v1/devices/${device}`);
}
