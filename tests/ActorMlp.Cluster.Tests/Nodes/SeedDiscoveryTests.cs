using System.Net;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class SeedDiscoveryTests
{
    private static readonly NodeAddress Own = new("10.0.0.9", 4053);

    [Fact]
    public async Task Listed_nodes_keep_their_order() => Assert.Equal(
        ["b:4053", "a:4053"],
        await FindAsync(["b:4053", "a:4053", "b:4053"], []));

    [Fact]
    public async Task Addresses_behind_a_name_are_sorted_as_numbers() => Assert.Equal(
        ["10.0.0.9:4053", "10.0.0.10:4053", "10.0.0.200:4053"],
        await FindAsync(["dns:nodes:4053"], ["10.0.0.200", "10.0.0.9", "10.0.0.10", "10.0.0.10"]));

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.9")]
    [InlineData("10.0.0.7,10.0.0.8")]
    public async Task A_name_without_this_node_or_enough_others_gives_nobody(string addresses) => Assert.Empty(
        await FindAsync(["dns:nodes:4053"], addresses.Split(',', StringSplitOptions.RemoveEmptyEntries), required: 2));

    [Fact]
    public async Task A_name_that_does_not_exist_gives_nobody() => Assert.Empty(
        await SeedDiscovery.ResolveAsync("no-such-name.invalid", TestContext.Current.CancellationToken));

    private static async Task<IEnumerable<string>> FindAsync(string[] join, string[] addresses, int required = 1)
    {
        var discovery = new SeedDiscovery(
            [.. join.Select(JoinTarget.Parse)], Own, required, (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()));
        return (await discovery.FindAsync(TestContext.Current.CancellationToken)).Select(node => node.ToString());
    }
}
