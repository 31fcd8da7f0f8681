using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class NodeOptionsTests
{
    private static readonly NodeSecurity Secret = NodeSecurity.FromSecret(new string('s', 32));

    private static readonly NodeOptions Valid = new() { Listen = new NodeAddress("127.0.0.1", 4053), DataDirectory = "data" };

    [Theory]
    [InlineData("127.0.0.1:4053", "127.0.0.1", 4053)]
    [InlineData("Node-1.Example:0", "node-1.example", 0)]
    [InlineData("localhost:65535", "localhost", 65535)]
    public void Address_with_host_and_port_is_read(string text, string host, int port)
    {
        Assert.True(NodeAddress.TryParse(text, out NodeAddress address));
        Assert.Equal(new NodeAddress(host, port), address);
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData(":4053")]
    [InlineData("host:")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("host:4053:1")]
    [InlineData("[::1]:4053")]
    [InlineData("a b:1")]
    [InlineData("a\"b:1")]
    [InlineData("a/b:1")]
    [InlineData(null)]
    public void Address_of_another_form_is_refused(string? text) => Assert.False(NodeAddress.TryParse(text, out _));

    [Fact]
    public void Loopback_without_security_is_valid()
    {
        Assert.Empty(NodeOptionsValidator.Validate(Valid));
        Assert.Empty(NodeOptionsValidator.Validate(Valid with { Listen = new NodeAddress("localhost", 0) }));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("node-1.example")]
    public void Other_interfaces_without_security_are_one_clear_error(string host)
    {
        NodeOptions open = Valid with { Listen = new NodeAddress(host, 4053), PublicHost = "node-1.example" };
        Assert.Contains("whoever reaches a node commands it", Assert.Single(NodeOptionsValidator.Validate(open)), StringComparison.Ordinal);
        Assert.Empty(NodeOptionsValidator.Validate(open with { Security = NodeSecurity.Insecure }));
        Assert.Empty(NodeOptionsValidator.Validate(open with { Security = Secret }));
    }

    [Fact]
    public void Certificates_must_be_for_the_public_host()
    {
        using var certificates = new TestCertificates();
        NodeOptions node = Valid with { Listen = new NodeAddress("0.0.0.0", 4053), Security = certificates.Issue("node-1.example", "*.nodes.example", "10.0.0.5") };
        Assert.Empty(NodeOptionsValidator.Validate(node with { PublicHost = "node-1.example" }));
        Assert.Empty(NodeOptionsValidator.Validate(node with { PublicHost = "node-7.nodes.example" }));
        Assert.Empty(NodeOptionsValidator.Validate(node with { PublicHost = "10.0.0.5" }));
        string problem = Assert.Single(NodeOptionsValidator.Validate(node with { PublicHost = "node-2.example" }));
        Assert.Contains("node-1.example, *.nodes.example, 10.0.0.5", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_problem_is_told_at_once()
    {
        NodeOptions wrong = Valid with
        {
            Listen = new NodeAddress("0.0.0.0", 4053),
            Join = ["nowhere", "dns:name", "10.0.0.1:0", "10.0.0.1:4053", "dns:nodes.example:4053"],
            Roles = ["worker", "boss"],
            RequiredContacts = 0,
            FailureDetection = new FailureDetection { AcceptablePause = TimeSpan.FromSeconds(0.6), StableAfter = TimeSpan.Zero },
        };
        IReadOnlyList<string> problems = NodeOptionsValidator.Validate(wrong);
        Assert.Equal(
            ["public host", "required contacts", "security", "join", "join", "join", "roles", "failure detection", "failure detection"],
            problems.Select(problem => problem[..problem.IndexOf(':', StringComparison.Ordinal)]));
        Assert.Single(NodeOptionsValidator.Validate(Valid with { Roles = [] }));
        Assert.Single(NodeOptionsValidator.Validate(Valid with { PublicHost = "a b" }));
    }
}
