using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Faults;
using ActorMlp.Training.Faults;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Chaos;

/// <summary>
/// The links between the processes of a chaos run, two for each pair: one carries the control plane, the other the bulk plane. Every process stands behind proxies
/// (<see cref="ProcessGate"/>), and <see cref="SocketOwner"/> knows who dials; so no process knows of it, and nobody needs to be root.
/// </summary>
/// <param name="seed">Decides what is lost and what breaks.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Hears of connections.</param>
internal sealed class ChaosLinks(ulong seed, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>The place of whoever keeps the run.</summary>
    public const int Keeper = 254;

    private readonly Lock gate = new();
    private readonly Dictionary<LinkEnds, Link> links = [];
    private readonly Dictionary<int, int> places = new() { [Environment.ProcessId] = Keeper };
    private readonly List<LinkFault> disturbances = [];

    /// <summary>What has passed all links.</summary>
    public LinkTraffic Traffic
    {
        get
        {
            lock (gate)
            {
                LinkTraffic[] all = [.. links.Values.Select(link => link.Traffic)];
                return new LinkTraffic(
                    all.Sum(one => one.Connections),
                    all.Sum(one => one.Open),
                    all.Sum(one => one.BytesOut),
                    all.Sum(one => one.BytesBack),
                    all.Sum(one => one.SegmentsLost),
                    all.Sum(one => one.ChunksCorrupted),
                    all.Sum(one => one.Broken));
            }
        }
    }

    /// <summary>Puts proxies in front of a process that is about to start.</summary>
    public ProcessGate OpenGate(int place) => new(
        plane => near => Route(near, place, plane),
        process => Register(process, place),
        log);

    /// <summary>Something is wrong with links from now on, also with those that are made later.</summary>
    public void Begin(LinkFault disturbance)
    {
        lock (gate)
        {
            disturbances.Add(disturbance);
            Refresh(disturbance);
        }
    }

    /// <summary>It is mended.</summary>
    public void End(LinkFault disturbance)
    {
        lock (gate)
        {
            disturbances.Remove(disturbance);
            Refresh(disturbance);
        }
    }

    /// <summary>Flips a bit of the next chunk that passes one of the links.</summary>
    public void Corrupt(LinkFault struck)
    {
        var order = new LinkCorruptionOrder(1, LinkDirections.Both);
        lock (gate)
        {
            foreach ((LinkEnds ends, Link link) in links)
            {
                if (struck.Covers(ends))
                {
                    link.Corrupt(order);
                }
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (Link link in links.Values)
        {
            await link.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Register(int process, int place)
    {
        lock (gate)
        {
            places[process] = place;
        }
    }

    private LinkRoute? Route(Socket near, int place, FaultPlane plane)
    {
        KeyValuePair<int, int>[] known;
        lock (gate)
        {
            known = [.. places];
        }

        if (SocketOwner.Find(near, known.Select(entry => entry.Key)) is not { } process)
        {
            return null;
        }

        LinkEnds ends = LinkEnds.Between(known.First(entry => entry.Key == process).Value, place, plane);
        lock (gate)
        {
            if (!links.TryGetValue(ends, out Link? link))
            {
                link = new Link(seed + 1_000_003UL * (ulong)ends.Low + 1_009UL * (ulong)ends.High + (ulong)plane, Conditions(ends), time, log);
                links[ends] = link;
                if (IsCut(ends))
                {
                    link.Cut(LinkDirections.Both);
                }
            }

            return new LinkRoute(link, ProcessGate.TargetBehind((IPEndPoint)near.LocalEndPoint!));
        }
    }

    private void Refresh(LinkFault changed)
    {
        foreach ((LinkEnds ends, Link link) in links.Where(link => changed.Covers(link.Key)))
        {
            link.Change(LinkDirections.Both, _ => Conditions(ends));
            if (IsCut(ends))
            {
                link.Cut(LinkDirections.Both);
            }
            else
            {
                link.Heal(LinkDirections.Both);
            }
        }
    }

    private bool IsCut(LinkEnds ends) => disturbances.Any(one => one.Cuts && one.Covers(ends));

    /// <summary>Delays add up; each of several chances strikes by itself.</summary>
    private LinkConditions Conditions(LinkEnds ends)
    {
        LinkFault[] here = [.. disturbances.Where(one => one.Covers(ends))];
        double Share(Func<LinkFault, double> of) => 1 - here.Aggregate(1.0, (left, one) => left * (1 - of(one)));
        TimeSpan delay = here.Aggregate(TimeSpan.Zero, (sum, one) => sum + one.Delay);
        return new LinkConditions
        {
            Delay = delay < LinkConditions.MaxDelay ? delay : LinkConditions.MaxDelay,
            Loss = Math.Min(LinkConditions.MaxLoss, Share(one => one.Loss)),
            Breaks = Share(one => one.Breaks),
        };
    }
}
