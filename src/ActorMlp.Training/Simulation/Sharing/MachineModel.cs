using ActorMlp.Engine.Parallel;

namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>One machine on which all nodes are processes.</summary>
/// <param name="Cores">Its cores.</param>
/// <param name="Threads">Compute threads of each process; more than there are cores are as many as there are cores.</param>
/// <param name="Costs">What messages between and within processes cost.</param>
public sealed record MachineModel(int Cores, int Threads, MessageCosts Costs);

/// <summary>
/// What messages on one machine cost, in time of a core. Between the processes of a machine no link limits anything: a message is as fast as the threads that copy it.
/// </summary>
public sealed record MessageCosts
{
    /// <summary>A megabyte of bulk frames, for the threads that send it, and as much for those that receive it: checksum, copies to and from the system, the system's own work.</summary>
    public required TimeSpan Megabyte { get; init; }

    /// <summary>A bulk frame beside its bytes, for each of the two threads: system calls, acknowledgement, being woken.</summary>
    public required TimeSpan Frame { get; init; }

    /// <summary>A control message, for whoever sends it, and as much for whoever receives it: serializer, Akka.Remote, system calls.</summary>
    public required TimeSpan ControlMessage { get; init; }

    /// <summary>To wake a pool that sleeps.</summary>
    public required TimeSpan WakingPool { get; init; }

    /// <summary>How long a pool that has nothing to do keeps a core, on the lookout for more.</summary>
    public TimeSpan SpinningPool { get; init; } = ComputePool.LeaderSpin;

    /// <summary>To tell an actor that something is computed, or has arrived: from one thread to another, by way of the runtime's pool.</summary>
    public required TimeSpan TellingActor { get; init; }

    /// <summary>A megabyte of weights that the node's actor copies to where they are staged.</summary>
    public required TimeSpan CopyingMegabyte { get; init; }

    /// <summary>A megabyte of a checkpoint, for the thread that writes it: put in order, hashed, handed to the system and to the disk.</summary>
    public required TimeSpan WritingMegabyte { get; init; }

    /// <summary>The part of a core that a process takes all the time, whatever it does: heartbeats, timers.</summary>
    public required double Background { get; init; }

    /// <summary>What is taken where nothing is measured.</summary>
    public static MessageCosts Assumed { get; } = new()
    {
        Megabyte = TimeSpan.FromMicroseconds(500),
        Frame = TimeSpan.FromMicroseconds(20),
        ControlMessage = TimeSpan.FromMicroseconds(100),
        WakingPool = TimeSpan.FromMicroseconds(10),
        TellingActor = TimeSpan.FromMicroseconds(10),
        CopyingMegabyte = TimeSpan.FromMicroseconds(100),
        WritingMegabyte = TimeSpan.FromMilliseconds(2),
        Background = 0.02,
    };
}
