using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Faults;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Training.Faults;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Chaos;

/// <summary>
/// Two proxies in front of a process, for its control and its bulk plane, at the address by which others know it: 127.0.0.1 and two free ports. The process itself listens at
/// the same ports of 127.0.0.2, another address of the loopback, where nobody looks for it.
/// </summary>
internal sealed class ProcessGate : IAsyncDisposable
{
    private const string PublicHost = "127.0.0.1";
    private const string HiddenHost = "127.0.0.2";

    private readonly LinkProxy control;
    private readonly LinkProxy bulk;
    private readonly Action<int> register;

    /// <param name="route">Says for a plane where connections go.</param>
    /// <param name="register">Is told the process's number.</param>
    /// <param name="log">Hears of connections that go nowhere.</param>
    public ProcessGate(Func<FaultPlane, Func<Socket, LinkRoute?>> route, Action<int> register, ILogger log)
    {
        var anyPort = new IPEndPoint(IPAddress.Parse(PublicHost), 0);
        this.register = register;
        control = LinkProxy.Start(anyPort, route(FaultPlane.Control), log);
        bulk = LinkProxy.Start(anyPort, route(FaultPlane.Bulk), log);
    }

    /// <summary>Where the process is to listen.</summary>
    public NodeAddress Listen => new(HiddenHost, control.Address.Port);

    /// <summary>The host by which others know it.</summary>
    public static string AdvertisedHost => PublicHost;

    /// <summary>The port of its bulk plane.</summary>
    public int BulkPort => bulk.Address.Port;

    /// <summary>Where a process listens that others reach at an address.</summary>
    public static IPEndPoint TargetBehind(IPEndPoint gate) => new(IPAddress.Parse(HiddenHost), gate.Port);

    /// <summary>The process has started.</summary>
    public void Belongs(int process) => register(process);

    /// <summary>Nobody listens here any more: the process has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await control.DisposeAsync().ConfigureAwait(false);
        await bulk.DisposeAsync().ConfigureAwait(false);
    }
}
