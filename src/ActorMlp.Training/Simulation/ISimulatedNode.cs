using ActorMlp.Training.Machines;

namespace ActorMlp.Training.Simulation;

/// <summary>A node's part in a simulated run.</summary>
internal interface ISimulatedNode
{
    /// <summary>Where it runs.</summary>
    SimulatedProcess Process { get; }

    /// <summary>Its number within the run.</summary>
    int Number { get; }

    /// <summary>Which attempt at the run.</summary>
    int Run { get; }

    /// <summary>What it knows of the run.</summary>
    ServerStanding Standing();

    /// <summary>A control message.</summary>
    void Handle(object message);

    /// <summary>A frame of the bulk plane.</summary>
    void Handle(SimulatedFrame frame);
}
