using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

public sealed class ClusterCertificatesTests
{
    [Fact]
    public async Task Certificates_of_one_folder_trust_each_other()
    {
        using var folder = new TemporaryFolder();
        string output = folder.At("certificates");
        CommandLine made = await CommandLine.RunAsync("cluster", "certificates", "--out", output, "--nodes", "node-1/10.0.0.5,node-2", "--days", "30");
        Assert.Equal((ExitCode.Success, ""), (made.ExitCode, made.Error));

        // Later the same authority signs for one more node.
        Assert.Equal(ExitCode.Success, (await CommandLine.RunAsync("cluster", "certificates", "--out", output, "--nodes", "*.nodes.example")).ExitCode);
        NodeSecurity[] nodes =
        [
            NodeSecurity.FromCertificates(Path.Combine(output, "node-1.pem"), Path.Combine(output, "node-1-key.pem"), Path.Combine(output, "ca.pem")),
            NodeSecurity.FromCertificates(Path.Combine(output, "node-2.pfx"), null, Path.Combine(output, "ca.pem")),
            NodeSecurity.FromCertificates(Path.Combine(output, "any.nodes.example.pfx"), null, Path.Combine(output, "ca.pem")),
        ];
        Assert.All(nodes, node => Assert.All(nodes, peer => Assert.Null(node.Problem(peer.Certificate, SslPolicyErrors.None))));

        X509Certificate2 first = nodes[0].Certificate!;
        Assert.True(first.MatchesHostname("node-1") && first.MatchesHostname("10.0.0.5") && !first.MatchesHostname("node-2"));
        Assert.True(nodes[2].Certificate!.MatchesHostname("node-9.nodes.example"));
        Assert.InRange((first.NotAfter.ToUniversalTime() - TimeProvider.System.GetUtcNow().UtcDateTime).TotalDays, 29.9, 30);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.ImportFromPemFile(Path.Combine(output, "ca.pem"));
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        Assert.True(chain.Build(first));
        Assert.Equal(2, chain.ChainElements.Count);
    }

    [Fact]
    public async Task Keys_are_for_their_owner_only()
    {
        using var folder = new TemporaryFolder();
        string output = folder.At("certificates");
        await CommandLine.RunAsync("cluster", "certificates", "--out", output, "--nodes", "node-1");
        if (!OperatingSystem.IsWindows())
        {
            foreach (string file in new[] { "ca-key.pem", "node-1-key.pem", "node-1.pfx" })
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(output, file)));
            }
        }

        foreach (string file in Directory.GetFiles(output, "*.pem").Where(file => !file.Contains("-key", StringComparison.Ordinal)))
        {
            Assert.DoesNotContain("PRIVATE", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Existing_certificates_are_replaced_by_force_only_and_the_authority_never()
    {
        using var folder = new TemporaryFolder();
        string output = folder.At("certificates");
        string[] command = ["cluster", "certificates", "--out", output, "--nodes", "node-1"];
        await CommandLine.RunAsync(command);
        byte[] Bytes(string file) => File.ReadAllBytes(Path.Combine(output, file));
        (byte[] authority, byte[] node) = (Bytes("ca.pem"), Bytes("node-1.pem"));

        CommandLine refused = await CommandLine.RunAsync([.. command[..^1], "node-0,node-1"]);
        Assert.Equal(ExitCode.BadInput, refused.ExitCode);
        Assert.Contains("node-1.pem: is there already; --force", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(output, "node-0.pem")));
        Assert.Equal(node, Bytes("node-1.pem"));

        Assert.Equal(ExitCode.Success, (await CommandLine.RunAsync([.. command, "--force"])).ExitCode);
        Assert.NotEqual(node, Bytes("node-1.pem"));
        Assert.Equal(authority, Bytes("ca.pem"));
    }

    [Theory]
    [InlineData("a b", "30", "'a b' is neither a DNS name")]
    [InlineData("node-1,../x", "30", "'..' is neither a DNS name")]
    [InlineData("node-1,node-1", "30", "'node-1' is named 2 times")]
    [InlineData("ca", "30", "'ca' is the name of the authority's files")]
    [InlineData(",", "30", "no node is named")]
    [InlineData("node-1", "0", "allowed are 1 to 3650")]
    public async Task Bad_input_is_told(string nodes, string days, string problem)
    {
        using var folder = new TemporaryFolder();
        CommandLine refused = await CommandLine.RunAsync("cluster", "certificates", "--out", folder.At("out"), "--nodes", nodes, "--days", days);
        Assert.Equal(ExitCode.BadInput, refused.ExitCode);
        Assert.Contains(problem, refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task An_authority_without_its_key_is_one_clear_error()
    {
        using var folder = new TemporaryFolder();
        await CommandLine.RunAsync("cluster", "certificates", "--out", folder.At("out"), "--nodes", "node-1");
        File.Delete(folder.At("out/ca-key.pem"));
        CommandLine refused = await CommandLine.RunAsync("cluster", "certificates", "--out", folder.At("out"), "--nodes", "node-2");
        Assert.Equal(ExitCode.BadInput, refused.ExitCode);
        Assert.Contains("ca-key.pem", refused.Error, StringComparison.Ordinal);
    }
}
