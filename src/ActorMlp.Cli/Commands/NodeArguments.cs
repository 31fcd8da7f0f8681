using System.CommandLine;
using ActorMlp.Cli.Runs;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Commands;

/// <summary>Options by which a process says how it talks with nodes: the same for nodes and for those who submit runs.</summary>
internal sealed class NodeArguments
{
    private readonly Option<string?> secretFile = new("--secret-file")
    {
        Description = "File with the cluster's secret, at least 32 characters; the same on every node.",
        HelpName = "FILE",
    };

    private readonly Option<string?> certificate = new("--certificate")
    {
        Description = "This node's certificate, PEM or PKCS#12, as 'actormlp cluster certificates' makes it.",
        HelpName = "FILE",
    };

    private readonly Option<string?> certificateKey = new("--certificate-key")
    {
        Description = "The certificate's private key, PEM; not needed with PKCS#12.",
        HelpName = "FILE",
    };

    private readonly Option<string?> authority = new("--authority")
    {
        Description = "The cluster's authority, PEM (ca.pem).",
        HelpName = "FILE",
    };

    private readonly Option<bool> insecure = new("--insecure")
    {
        Description = "Neither secret nor certificates, although other machines can reach this process: whoever reaches it commands it.",
    };

    private readonly Option<string?> publicHost = new("--public-host")
    {
        Description = "Name or address by which the nodes reach this process; the host of --listen if absent.",
        HelpName = "HOST",
    };

    private readonly Option<string> listen;

    private readonly Option<int> bulkPort = new("--bulk-port")
    {
        Description = "Port for gradients and weights; 0 for any free port, which nodes tell each other.",
        HelpName = "PORT",
        DefaultValueFactory = _ => 0,
    };

    /// <summary>The options, with a default for where to listen; null if it must be said.</summary>
    public NodeArguments(string? listenAt)
    {
        listen = new Option<string>("--listen")
        {
            Description = "Where to listen for other nodes, host:port; port 0 for any free port.",
            HelpName = "HOST:PORT",
            Required = listenAt is null,
        };
        if (listenAt is not null)
        {
            listen.DefaultValueFactory = _ => listenAt;
        }

        listen.Validators.Add(result =>
        {
            if (!NodeAddress.TryParse(result.GetValueOrDefault<string>(), out _))
            {
                result.AddError($"--listen: '{result.GetValueOrDefault<string>()}' is not host:port, where host is a DNS name or an IPv4 address");
            }
        });
        bulkPort.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > ushort.MaxValue)
            {
                result.AddError("--bulk-port: allowed are 0 to 65535");
            }
        });
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { listen, publicHost, bulkPort, secretFile, certificate, certificateKey, authority, insecure })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What they say.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="dataDirectory">The process's folder.</param>
    /// <exception cref="NodeException">A file cannot be read, or they contradict each other.</exception>
    public NodeOptions Read(ParseResult parsed, string dataDirectory)
    {
        string text = parsed.GetRequiredValue(listen);
        if (!NodeAddress.TryParse(text, out NodeAddress address))
        {
            throw new NodeException($"--listen: '{text}' is not host:port");
        }

        return new NodeOptions
        {
            Listen = address,
            PublicHost = parsed.GetValue(publicHost),
            BulkPort = parsed.GetValue(bulkPort),
            DataDirectory = dataDirectory,
            Security = Security(parsed),
        };
    }

    /// <summary>Checks that text names nodes, <c>host:port[,…]</c>.</summary>
    public static Option<string[]> Nodes(string name, string description, bool required)
    {
        var option = new Option<string[]>(name)
        {
            Description = description,
            HelpName = "HOST:PORT[,…]",
            Required = required,
            CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
        };
        return option;
    }

    /// <summary>An option of nodes that must be plain addresses.</summary>
    public static Option<string[]> Contacts()
    {
        Option<string[]> option = Nodes("--to", "Nodes of the cluster; any one of them passes it on.", required: true);
        option.Validators.Add(result =>
        {
            foreach (string node in (result.GetValueOrDefault<string[]>() ?? []).Where(node => !NodeAddress.TryParse(node, out _)))
            {
                result.AddError($"--to: '{node}' is not host:port");
            }
        });
        return option;
    }

    private NodeSecurity Security(ParseResult parsed)
    {
        string? secret = parsed.GetValue(secretFile), own = parsed.GetValue(certificate), root = parsed.GetValue(authority);
        int ways = (secret is null ? 0 : 1) + (own is null && root is null ? 0 : 1) + (parsed.GetValue(insecure) ? 1 : 0);
        if (ways > 1)
        {
            throw new NodeException("--secret-file, --certificate with --authority, and --insecure exclude each other");
        }

        if (own is null != root is null)
        {
            throw new NodeException("--certificate and --authority belong together: the one proves this node, the other those it talks with");
        }

        return secret is not null ? NodeSecurity.FromSecret(RunSecurity.ReadSecret(secret))
            : own is not null ? NodeSecurity.FromCertificates(own, parsed.GetValue(certificateKey), root!)
            : parsed.GetValue(insecure) ? NodeSecurity.Insecure
            : NodeSecurity.LoopbackOnly;
    }
}
